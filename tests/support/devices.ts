/**
 * Pretend attendance devices that behave as field notes say: an AiFace device sends again until it is answered,
 * hangs up when it is not, always says `logindex` 0, writes keys with trailing blanks and cuts its frames
 * anywhere; an iclock device posts over plain HTTP and reads `OK: n`.
 * @module
 */

/** A punch as an AiFace device tells it. */
export interface AifaceRecord {
  enrollid: number | string;
  time: string;
  name?: string;
  mode?: number;
  inout?: number;
  event?: number;
  image?: string;
}

type Json = Record<string, unknown>;

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

  static async open(port: number, { path = "/pub/chat" } = {}): Promise<RawSocket> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
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

export interface AifaceOptions {
  port: number;
  sn: string;
  /** What 20 seconds of waiting for an answer take. */
  patienceMs?: number;
  /** Records in one `sendlog`. */
  batch?: number;
  /** Told of every record the server has acknowledged. */
  onAcknowledged?: (record: AifaceRecord) => void;
}

/** A device on its own: registers, sends what nobody has acknowledged, and comes again. */
export class AifaceDevice {
  readonly #options: Required<AifaceOptions>;
  /** Everything it has ever recorded, as its flash keeps it. */
  readonly flash: AifaceRecord[] = [];
  #acknowledged = 0;
  #more = Promise.withResolvers<void>();
  /** Every answer it was given. */
  registrations = 0;
  refusals = 0;

  constructor(options: AifaceOptions) {
    this.#options = { patienceMs: 20_000, batch: 18, onAcknowledged: () => {}, ...options };
  }

  /** Somebody is recognised. */
  punch(...records: AifaceRecord[]): void {
    this.flash.push(...records);
    this.#more.resolve();
  }

  get waiting(): number {
    return this.flash.length - this.#acknowledged;
  }

  /** Where it calls from now on. */
  set port(port: number) {
    this.#options.port = port;
  }

  /** Calls, talks, hangs up when it gets no answer, and calls again, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const socket = await RawSocket.open(this.#options.port);
        const hangUp = () => socket.close();
        signal.addEventListener("abort", hangUp, { once: true });
        await this.#talk(socket, signal);
        signal.removeEventListener("abort", hangUp);
        socket.close();
      } catch {
        // Nobody listens just now.
      }
      if (!signal.aborted) await pause(Math.min(200, this.#options.patienceMs / 4));
    }
  }

  async #talk(socket: RawSocket, signal: AbortSignal): Promise<void> {
    const { sn, batch, onAcknowledged } = this.#options;
    await socket.send(JSON.stringify({
      cmd: "reg",
      sn,
      devinfo: { modelname: "AiFace", firmware: "ai518_x_v2.16", usednewlog: this.waiting },
    }));
    const registered = await this.#answer(socket, "reg");
    if (registered?.result !== true) {
      this.refusals++;
      return;
    }
    this.registrations++;
    while (!signal.aborted) {
      const records = this.flash.slice(this.#acknowledged, this.#acknowledged + batch);
      if (records.length === 0) {
        this.#more = Promise.withResolvers<void>();
        if (!await this.#idle(socket)) return;
        continue;
      }
      // As real firmware has it: a blank behind a key, an index that says nothing.
      const message = JSON.stringify({
        cmd: "sendlog",
        sn,
        "count ": records.length,
        logindex: 0,
        record: records,
      });
      await socket.send(message, { cuts: message.length > 200 ? [97] : [] });
      const answer = await this.#answer(socket, "sendlog");
      if (answer?.result !== true) return;
      for (const record of records) onAcknowledged(record);
      this.#acknowledged += records.length;
    }
  }

  /** Waits for a punch or a command; false when the connection is over. */
  async #idle(socket: RawSocket): Promise<boolean> {
    for (;;) {
      if (socket.unread === 0) {
        const what = await Promise.race([
          this.#more.promise.then(() => "punch"),
          socket.closed.then(() => "closed"),
          pause(20).then(() => "nothing"),
        ]);
        if (what === "punch") return true;
        if (what === "closed") return false;
        continue;
      }
      const frame = await socket.next();
      if (!frame) return false;
      await this.#obey(socket, parsed(frame));
    }
  }

  /** The answer to `cmd`; undefined when it does not come in time. Commands that come first are obeyed. */
  async #answer(socket: RawSocket, cmd: string): Promise<Json | undefined> {
    const timeout = pause(this.#options.patienceMs);
    for (;;) {
      const frame = await Promise.race([socket.next(), timeout]);
      if (!frame) return undefined;
      const message = parsed(frame);
      if (message.ret === cmd) return message;
      await this.#obey(socket, message);
    }
  }

  #page = 0;
  #window: AifaceRecord[] = [];

  async #obey(socket: RawSocket, message: Json): Promise<void> {
    if (message.cmd !== "getalllog") return;
    if (message.stn === true) {
      this.#page = 0;
      const { from, to } = message as { from: string; to: string };
      this.#window = this.flash.filter(({ time }) =>
        time.slice(0, 10) >= from && time <= `${to} 24`
      );
    }
    const from = this.#page++ * 50;
    const record = this.#window.slice(from, from + 50);
    const { sn } = this.#options;
    await socket.send(JSON.stringify({
      ret: "getalllog",
      sn,
      result: true,
      count: this.#window.length,
      from,
      to: from + record.length - 1,
      record,
    }));
  }
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
  { method = "GET", path, body = "", headers = {} }: {
    method?: string;
    path: string;
    body?: string | Uint8Array;
    headers?: Readonly<Record<string, string>>;
  },
): Promise<HttpReply> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
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
    conn.close();
  }
}

/** An iclock device: its requests, and the answers to them. */
export class IclockDevice {
  constructor(readonly port: number, readonly sn: string) {}

  handshake(query = "options=all&pushver=2.4.1&language=69"): Promise<HttpReply> {
    return rawRequest(this.port, { path: `/iclock/cdata?SN=${this.sn}&${query}` });
  }

  post(
    table: string,
    body: string | Uint8Array,
    { stamp = "9999", headers = {} }: { stamp?: string; headers?: Record<string, string> } = {},
  ): Promise<HttpReply> {
    const path = `/iclock/cdata?SN=${this.sn}&table=${table}&Stamp=${stamp}`;
    return rawRequest(this.port, { method: "POST", path, body, headers });
  }

  poll(info = ""): Promise<HttpReply> {
    const path = `/iclock/getrequest?SN=${this.sn}${info && `&INFO=${info}`}`;
    return rawRequest(this.port, { path });
  }

  done(body: string): Promise<HttpReply> {
    const path = `/iclock/devicecmd?SN=${this.sn}`;
    return rawRequest(this.port, { method: "POST", path, body });
  }
}

function parsed(frame: Frame): Json {
  return JSON.parse(new TextDecoder().decode(frame.payload));
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    Deno.unrefTimer(timer);
  });
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
