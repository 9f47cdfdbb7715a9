/**
 * Many clients of the live stream and one program that posts, in a process of their own: how long an event
 * takes to each client. Prints one line of JSON. Arguments: url, token, clients, events a second, seconds.
 * @module
 */

export interface Followed {
  /** Messages received by all clients together, each once. */
  delivered: number;
  expected: number;
  p50Ms: number;
  p99Ms: number;
}

export interface FollowOptions {
  token: string;
  clients: number;
  perSecond: number;
  seconds: number;
}

/** Follows an agent's live stream with many clients, from another process. */
export async function followEvents(
  url: string,
  { token, clients, perSecond, seconds }: FollowOptions,
): Promise<Followed> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", import.meta.filename!, url, token].concat(
      [clients, perSecond, seconds].map(String),
    ),
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)) as Followed;
}

if (import.meta.main) {
  const [url = "", token = "", clients = "1", perSecond = "1", seconds = "1"] = Deno.args;
  const { hostname, port, host } = new URL(url);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  /** When each event was posted, by its seq. */
  const sentAt: number[] = [];
  const latencies: number[] = [];

  const follow = async () => {
    const conn = await Deno.connect({ hostname, port: Number(port) });
    await conn.write(
      encoder.encode(`GET /local/stream?mode=live HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
    );
    const buffer = new Uint8Array(64 * 1024);
    let last = 0;
    void (async () => {
      for (;;) {
        const read = await conn.read(buffer).catch(() => null);
        if (read === null) return;
        const now = performance.now();
        const text = decoder.decode(buffer.subarray(0, read));
        for (let at = text.indexOf("id: "); at >= 0; at = text.indexOf("id: ", at + 4)) {
          const seq = parseInt(text.slice(at + 4, at + 14));
          // An id cut in two by the end of a read is that of the next message or a part of it.
          if (seq !== last + 1) continue;
          last = seq;
          latencies.push(now - sentAt[seq]!);
        }
      }
    })();
  };
  for (let n = 0; n < Number(clients); n++) await follow();
  await new Promise((resolve) => setTimeout(resolve, 500));

  const total = Number(perSecond) * Number(seconds);
  const began = performance.now();
  const posts: Promise<unknown>[] = [];
  for (let seq = 1; seq <= total; seq++) {
    const waitMs = began + (seq - 1) * 1_000 / Number(perSecond) - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    sentAt[seq] = performance.now();
    posts.push(
      fetch(`${url}/local/events`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({
          mode: "live",
          source: "bench",
          type: "trade",
          subtype: "TICK",
          body: `tick ${seq}`,
          meta: { price: 60123.45, qty: 0.01 },
        }),
      }).then((response) => response.body?.cancel()),
    );
  }
  await Promise.all(posts);
  const expected = total * Number(clients);
  for (let waited = 0; latencies.length < expected && waited < 5_000; waited += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? NaN;
  const result: Followed = {
    delivered: latencies.length,
    expected,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
  await Deno.stdout.write(encoder.encode(JSON.stringify(result)));
  Deno.exit();
}
