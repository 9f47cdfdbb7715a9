/**
 * A load of events from a process of its own: plain sockets, every request made before the first is sent.
 * Prints one line of JSON. Arguments: url, token, connections, requests, events in each.
 * @module
 */

export interface EventsLoad {
  /** Events acknowledged a second. */
  rate: number;
  p50Ms: number;
  p99Ms: number;
}

export interface EventsLoadOptions {
  token: string;
  connections: number;
  requests: number;
  eventsEach: number;
}

/** Sends so many events to an agent, from another process. */
export async function loadEvents(
  url: string,
  { token, connections, requests, eventsEach }: EventsLoadOptions,
): Promise<EventsLoad> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", import.meta.filename!, url, token].concat(
      [connections, requests, eventsEach].map(String),
    ),
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)) as EventsLoad;
}

/** An event as a trading program writes it, 280 bytes of JSON; `run` keeps its key apart from other runs'. */
export function benchEvent(run: string, n: number): Record<string, unknown> {
  return {
    mode: "live",
    ts: "2026-03-02T12:00:00.000Z",
    source: "bot",
    type: "trade",
    subtype: "ORDER_PLACED",
    symbol: "BTC-USD",
    severity: "info",
    body: `Placed order ${n} at 60123.45`,
    meta: { price: 60123.45, qty: 0.01, order_id: `${n}`, strategy: "breakout" },
    idempotency_key: `${run}-order-${(n * 7_919) % 1_000_003}-${n}`,
  };
}

if (import.meta.main) {
  const [url = "", token = "", connections = "1", requests = "1", eventsEach = "1"] = Deno.args;
  const { hostname, port, host } = new URL(url);
  const run = crypto.randomUUID().slice(0, 8);
  const encoder = new TextEncoder();
  let made = 0;
  const bodies = Array.from({ length: Number(requests) }, () => {
    const events = Array.from({ length: Number(eventsEach) }, () => benchEvent(run, made++));
    const body = encoder.encode(JSON.stringify(events.length === 1 ? events[0] : events));
    const head = encoder.encode(
      `POST /local/events HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.byteLength}\r\n\r\n`,
    );
    const request = new Uint8Array(head.byteLength + body.byteLength);
    request.set(head);
    request.set(body, head.byteLength);
    return request;
  });
  const latencies: number[] = [];
  let next = 0;

  const client = async () => {
    const conn = await Deno.connect({ hostname, port: Number(port) });
    conn.setNoDelay(true);
    const buffer = new Uint8Array(256 * 1024);
    for (let request = bodies[next++]; request; request = bodies[next++]) {
      const sentAt = performance.now();
      for (let sent = 0; sent < request.byteLength;) {
        sent += await conn.write(request.subarray(sent));
      }
      const answer = await readAnswer(conn, buffer);
      latencies.push(performance.now() - sentAt);
      if (!answer.startsWith("HTTP/1.1 200")) throw new Error(answer);
    }
    conn.close();
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: Number(connections) }, client));
  const tookSec = (performance.now() - began) / 1_000;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? NaN;
  const result: EventsLoad = { rate: made / tookSec, p50Ms: at(0.5), p99Ms: at(0.99) };
  await Deno.stdout.write(encoder.encode(JSON.stringify(result)));
}

/** Reads one answer to its end. */
async function readAnswer(conn: Deno.Conn, buffer: Uint8Array): Promise<string> {
  const decoder = new TextDecoder();
  let filled = 0;
  let end = -1;
  while (end < 0 || filled < end) {
    const read = await conn.read(buffer.subarray(filled));
    if (read === null) throw new Error("The server closed the connection");
    filled += read;
    if (end >= 0) continue;
    const head = decoder.decode(buffer.subarray(0, Math.min(filled, 2_048)));
    const blank = head.indexOf("\r\n\r\n");
    if (blank < 0) continue;
    end = blank + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1]);
  }
  return decoder.decode(buffer.subarray(0, Math.min(filled, 400)));
}
