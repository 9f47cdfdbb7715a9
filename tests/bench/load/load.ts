/**
 * A load of HTTP requests from a process of its own: plain sockets, because a full client would measure itself.
 * Prints one line of JSON. Arguments: url, connections, seconds.
 * @module
 */

export interface Load {
  /** Answers a second. */
  rate: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers that were not 2xx. */
  failed: number;
}

/** Loads an address for a while, from another process. */
export async function load(
  url: string,
  { connections, seconds, perConnection }: {
    connections: number;
    seconds: number;
    /** Requests a second on each connection; as many as there can be without it. */
    perConnection?: number;
  },
): Promise<Load> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "-q",
      import.meta.filename!,
      url,
      String(connections),
      String(seconds),
      String(perConnection ?? 0),
    ],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)) as Load;
}

if (import.meta.main) {
  const [url = "", connections = "32", seconds = "3", perConnection = "0"] = Deno.args;
  const { hostname, port, pathname, search, host } = new URL(url);
  const request = new TextEncoder().encode(
    `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  );
  const until = performance.now() + Number(seconds) * 1_000;
  const pauseMs = Number(perConnection) > 0 ? 1_000 / Number(perConnection) : 0;
  const latencies: number[] = [];
  let failed = 0;

  const client = async () => {
    const conn = await Deno.connect({ hostname, port: Number(port) });
    const buffer = new Uint8Array(64 * 1024);
    while (performance.now() < until) {
      const sentAt = performance.now();
      await conn.write(request);
      const status = await readAnswer(conn, buffer);
      const took = performance.now() - sentAt;
      latencies.push(took);
      if (status < 200 || status > 299) failed++;
      if (pauseMs > took) await new Promise((resolve) => setTimeout(resolve, pauseMs - took));
    }
    conn.close();
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: Number(connections) }, client));
  const tookSec = (performance.now() - began) / 1_000;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? NaN;
  const result: Load = {
    rate: latencies.length / tookSec,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    failed,
  };
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(result)));
}

/** Reads one answer to its end; its status. */
async function readAnswer(conn: Deno.Conn, buffer: Uint8Array): Promise<number> {
  let filled = 0;
  let end = -1;
  while (end < 0 || filled < end) {
    const read = await conn.read(buffer.subarray(filled));
    if (read === null) throw new Error("The server closed the connection");
    filled += read;
    if (end >= 0) continue;
    const head = new TextDecoder().decode(buffer.subarray(0, filled));
    const blank = head.indexOf("\r\n\r\n");
    if (blank < 0) continue;
    const length = /content-length: (\d+)/i.exec(head)?.[1];
    if (length === undefined) throw new Error("An answer without a length");
    end = blank + 4 + Number(length);
  }
  return Number(new TextDecoder().decode(buffer.subarray(9, 12)));
}
