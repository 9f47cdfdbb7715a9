/**
 * Connections as devices make them, byte by byte: right where a test wants them right, and wrong where it does not.
 * @module
 */

export interface Frame {
  opcode: number;
  payload: Uint8Array;
}

/** A WebSocket client that does what it is told, right or wrong. */
export class RawSocket {
  readonly #conn: Deno.TcpConn;
  readonly #frames: Frame[] = [];
  #arrived = Promise.withResolvers<void>();
  #buffer = new Uint8Array();
  /** Answers pings, as a sound device does. */
  pongs = true;
  /** How often it was asked whether it is there. */
  pings = 0;
  /** Resolves when the server or we have hung up. */
  readonly closed: Promise<void>;

  private constructor(conn: Deno.TcpConn, rest: Uint8Array) {
    this.#conn = conn;
    this.#buffer = new Uint8Array(rest);
    this.closed = this.#listen();
  }

  /** @param options.timeoutMs when it gives up that nobody answers (default: never) */
  static async open(
    port: number,
    { path = "/pub/chat", timeoutMs }: { path?: string; timeoutMs?: number } = {},
  ): Promise<RawSocket> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => conn.close(), timeoutMs);
    try {
      return await RawSocket.#upgrade(conn, path);
    } finally {
      clearTimeout(timer);
    }
  }

  static async #upgrade(conn: Deno.TcpConn, path: string): Promise<RawSocket> {
    await writeAll(
      conn,
      new TextEncoder().encode(
        `GET ${path} HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
      ),
    );
    const { head, rest } = await readHead(conn);
    if (!head.startsWith("HTTP/1.1 101 ")) {
      conn.close();
      throw new Error(`Cannot upgrade: ${head.split("\r\n")[0]}`);
    }
    return new RawSocket(conn, rest);
  }

  /** Sends a message, cut into frames at these places. */
  async send(
    message: string | Uint8Array,
    { opcode = 1, cuts = [] }: { opcode?: number; cuts?: readonly number[] } = {},
  ): Promise<void> {
    const bytes = typeof message === "string" ? new TextEncoder().encode(message) : message;
    const edges = [0, ...cuts, bytes.length];
    for (let part = 0; part + 1 < edges.length; part++) {
      const final = part + 2 === edges.length;
      const piece = bytes.subarray(edges[part], edges[part + 1]);
      await this.frame(piece, { opcode: part === 0 ? opcode : 0, final });
    }
  }

  async frame(
    payload: Uint8Array,
    { opcode, final = true }: { opcode: number; final?: boolean },
  ): Promise<void> {
    await writeAll(this.#conn, maskedFrame(payload, { opcode, final }));
  }

  async bytes(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#conn, bytes);
  }

  /** The next data frame; undefined when the connection ends first. */
  async next(): Promise<Frame | undefined> {
    while (this.#frames.length === 0) {
      const over = await Promise.race([
        this.#arrived.promise.then(() => false),
        this.closed.then(() => true),
      ]);
      this.#arrived = Promise.withResolvers<void>();
      if (over && this.#frames.length === 0) return undefined;
    }
    return this.#frames.shift();
  }

  /** How many frames have arrived and were not asked for. */
  get unread(): number {
    return this.#frames.length;
  }

  close(): void {
    try {
      this.#conn.close();
    } catch {
      // Closed already.
    }
  }

  async #listen(): Promise<void> {
    const chunk = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        for (let frame = this.#take(); frame; frame = this.#take()) await this.#frame(frame);
        const count = await this.#conn.read(chunk);
        if (count === null) break;
        this.#buffer = joined([this.#buffer, chunk.subarray(0, count)]);
      }
    } catch {
      // Reset, or closed by us.
    }
    this.close();
  }

  async #frame(frame: Frame): Promise<void> {
    if (frame.opcode === 8) return this.close();
    if (frame.opcode === 9) {
      this.pings++;
      if (this.pongs) await this.frame(frame.payload, { opcode: 10 });
      return;
    }
    this.#frames.push(frame);
    this.#arrived.resolve();
  }

  #take(): Frame | undefined {
    const bytes = this.#buffer;
    if (bytes.length < 2) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const short = bytes[1]! & 0x7f;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start) return undefined;
    const length = short < 126
      ? short
      : short === 126
      ? view.getUint16(2)
      : Number(view.getBigUint64(2));
    if (bytes.length < start + length) return undefined;
    this.#buffer = bytes.slice(start + length);
    return { opcode: bytes[0]! & 0x0f, payload: bytes.slice(start, start + length) };
  }
}

/** A frame as a client sends it. */
export function maskedFrame(
  payload: Uint8Array,
  { opcode, final = true }: { opcode: number; final?: boolean },
): Uint8Array {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const bytes = new Uint8Array(6 + extra + length);
  const view = new DataView(bytes.buffer);
  bytes[0] = (final ? 0x80 : 0) | opcode;
  bytes[1] = 0x80 | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) view.setUint16(2, length);
  if (extra === 8) view.setBigUint64(2, BigInt(length));
  const mask = [0x37, 0xfa, 0x21, 0x3d];
  bytes.set(mask, 2 + extra);
  for (let i = 0; i < length; i++) bytes[6 + extra + i] = payload[i]! ^ mask[i & 3]!;
  return bytes;
}

/** An answer to a plain HTTP request. */
export interface HttpReply {
  status: number;
  /** Names as they came over the wire. */
  headers: Map<string, string>;
  body: string;
}

/** One HTTP request on a connection of its own, byte by byte. */
export async function rawRequest(
  port: number,
  { method = "GET", path, body = "", headers = {}, timeoutMs }: {
    method?: string;
    path: string;
    body?: string | Uint8Array;
    headers?: Readonly<Record<string, string>>;
    /** When it hangs up without an answer (default: never). */
    timeoutMs?: number;
  },
): Promise<HttpReply> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => conn.close(), timeoutMs);
  try {
    const content = typeof body === "string" ? new TextEncoder().encode(body) : body;
    const lines = Object.entries({
      Host: "relay",
      "User-Agent": "iClock Proxy/1.09",
      ...(method === "POST" && !("Transfer-Encoding" in headers)
        ? { "Content-Length": String(content.length) }
        : {}),
      Connection: "close",
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    await writeAll(conn, new TextEncoder().encode(`${method} ${path} HTTP/1.1\r\n${lines}\r\n`));
    await writeAll(conn, content);
    const { head, rest } = await readHead(conn);
    const [first = "", ...fields] = head.split("\r\n");
    const parts = [rest];
    for (let bytes = await piece(conn); bytes; bytes = await piece(conn)) parts.push(bytes);
    return {
      status: Number(first.split(" ")[1]),
      headers: new Map(
        fields.filter(Boolean).map((field) => {
          const colon = field.indexOf(":");
          return [field.slice(0, colon), field.slice(colon + 1).trim()];
        }),
      ),
      body: new TextDecoder().decode(joined(parts)),
    };
  } finally {
    clearTimeout(timer);
    closeOnce(conn);
  }
}

function closeOnce(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // It was closed when its time was over.
  }
}

async function readHead(conn: Deno.Conn): Promise<{ head: string; rest: Uint8Array }> {
  let all = new Uint8Array();
  for (;;) {
    const end = new TextDecoder("latin1").decode(all).indexOf("\r\n\r\n");
    if (end >= 0) {
      return { head: new TextDecoder().decode(all.slice(0, end)), rest: all.slice(end + 4) };
    }
    const bytes = await piece(conn);
    if (!bytes) throw new Error("Cannot read the answer: the connection ended");
    all = joined([all, bytes]);
  }
}

async function piece(conn: Deno.Conn): Promise<Uint8Array | undefined> {
  const chunk = new Uint8Array(64 * 1024);
  const count = await conn.read(chunk);
  return count === null ? undefined : chunk.subarray(0, count);
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
