/**
 * A load of punches from a process of its own: AiFace devices that send one message, wait for the answer and send
 * the next, over plain sockets. Prints one line of JSON.
 * @module
 */

export interface PunchLoad {
  port: number;
  connections: number;
  /** Records in a message. */
  records: number;
  seconds: number;
  /** Messages a second over all connections; as many as there can be without it. */
  perSecond?: number;
  /** Bytes of photo in each record; the same message is then sent again and again. */
  photoBytes?: number;
}

export interface PunchLoadResult {
  /** Acknowledged punches a second. */
  rate: number;
  punches: number;
  p50Ms: number;
  p99Ms: number;
}

/** Loads a listener for a while, from another process. */
export async function loadPunches(load: PunchLoad): Promise<PunchLoadResult> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", import.meta.filename!, JSON.stringify(load)],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)) as PunchLoadResult;
}

if (import.meta.main) {
  const load = JSON.parse(Deno.args[0]!) as PunchLoad;
  const conns = await Promise.all(
    Array.from({ length: load.connections }, (_, index) => connect(load.port, `DEV${index + 1}`)),
  );
  const latencies: number[] = [];
  const began = performance.now();
  await Promise.all(conns.map((conn, index) => send(conn, { index, load, latencies, began })));
  const tookSec = (performance.now() - began) / 1_000;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? NaN;
  const punches = latencies.length * load.records;
  const result: PunchLoadResult = {
    rate: punches / tookSec,
    punches,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(result)));
}

async function send(
  conn: Deno.Conn,
  { index, load, latencies, began }: {
    index: number;
    load: PunchLoad;
    latencies: number[];
    began: number;
  },
): Promise<void> {
  const { connections, seconds, perSecond } = load;
  const answer = new Uint8Array(4_096);
  const everyMs = perSecond ? connections * 1_000 / perSecond : 0;
  const sn = `DEV${index + 1}`;
  // Making a large message would cost more than what is measured.
  const repeated = load.photoBytes ? sendlog(sn, { message: 0, load }) : undefined;
  // Devices are not in step.
  let due = began + everyMs * index / connections;
  for (let message = 0; performance.now() < began + seconds * 1_000; message++) {
    const frame = repeated ?? sendlog(sn, { message, load });
    const waitMs = due - performance.now();
    if (waitMs > 0 && everyMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    due += everyMs;
    const sentAt = performance.now();
    for (let sent = 0; sent < frame.length;) sent += await conn.write(frame.subarray(sent));
    if (!await conn.read(answer) || answer[0] !== 0x81) throw new Error("No answer");
    latencies.push(performance.now() - sentAt);
  }
  conn.close();
}

function sendlog(
  sn: string,
  { message, load }: { message: number; load: PunchLoad },
): Uint8Array {
  const { records, photoBytes = 0 } = load;
  const record = Array.from({ length: records }, (_, i) => {
    // A punch each second of a past that never repeats in a run.
    const seconds = message * records + i;
    const time = new Date(Date.UTC(2024, 0, 1) + seconds * 1_000).toISOString();
    return {
      enrollid: 1_000 + seconds % 400,
      name: "Asha",
      time: time.slice(0, 19).replace("T", " "),
      mode: 8,
      inout: 0,
      event: 0,
      ...(photoBytes > 0 && { image: "A".repeat(photoBytes) }),
    };
  });
  return frameOf(JSON.stringify({ cmd: "sendlog", sn, count: records, logindex: 0, record }));
}

async function connect(port: number, sn: string): Promise<Deno.Conn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  const buffer = new Uint8Array(4_096);
  await conn.write(
    new TextEncoder().encode(
      "GET /pub/chat HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ),
  );
  await conn.read(buffer);
  await conn.write(frameOf(JSON.stringify({ cmd: "reg", sn })));
  await conn.read(buffer);
  return conn;
}

/** A frame whose mask is zero: as good as any, and quicker to make. */
function frameOf(text: string): Uint8Array {
  const payload = new TextEncoder().encode(text);
  const extra = payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8;
  const frame = new Uint8Array(6 + extra + payload.length);
  const view = new DataView(frame.buffer);
  frame[0] = 0x81;
  frame[1] = 0x80 | (extra === 0 ? payload.length : extra === 2 ? 126 : 127);
  if (extra === 2) view.setUint16(2, payload.length);
  if (extra === 8) view.setBigUint64(2, BigInt(payload.length));
  frame.set(payload, 6 + extra);
  return frame;
}
