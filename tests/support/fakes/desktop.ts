/**
 * A desktop as far as notifications go: a real message bus (`dbus-daemon`) with a program on it that takes what
 * `notify-send` sends and keeps it.
 * @module
 */
import { tempDir } from "../temp.ts";

/** Whether this machine has what it takes: Debian's dbus-daemon and libnotify-bin. */
export const hasDesktop = Deno.build.os === "linux" &&
  ["/usr/bin/dbus-daemon", "/usr/bin/notify-send"].every((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });

export interface Notification {
  app: string;
  title: string;
  body: string;
  /** Hint `urgency`: 0 low, 1 normal, 2 critical. */
  urgency: number;
}

export interface Desktop extends AsyncDisposable {
  /** What a program needs in its environment to find the bus. */
  readonly env: Readonly<Record<string, string>>;
  /** What has been shown, oldest first. */
  readonly shown: readonly Notification[];
}

const CALL = 1;
const RETURN = 2;
const ERROR = 3;

/** The fields of a message's header, by their codes. */
const FIELD = {
  path: 1,
  interface: 2,
  member: 3,
  error: 4,
  reply: 5,
  to: 6,
  from: 7,
  signature: 8,
};

export async function startDesktop(): Promise<Desktop> {
  const dir = tempDir();
  const address = `unix:path=${dir.path}/bus`;
  const bus = new Deno.Command("/usr/bin/dbus-daemon", {
    args: ["--session", "--nofork", "--print-address=1", `--address=${address}`],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  // It prints its address once it can be reached.
  const stdout = bus.stdout.getReader();
  await stdout.read();
  const connection = await Deno.connect({ transport: "unix", path: `${dir.path}/bus` });
  const shown: Notification[] = [];
  const served = serve(connection, shown);
  await served.ready;
  return {
    env: { DBUS_SESSION_BUS_ADDRESS: address },
    shown,
    async [Symbol.asyncDispose]() {
      connection.close();
      await served.ended;
      bus.kill();
      await stdout.cancel();
      await bus.status;
      dir[Symbol.dispose]();
    },
  };
}

/** Signs on to the bus under the name of the desktop, then answers calls until the connection closes. */
function serve(
  connection: Deno.UnixConn,
  shown: Notification[],
): { ready: Promise<void>; ended: Promise<void> } {
  const ready = Promise.withResolvers<void>();
  const bus = { to: "org.freedesktop.DBus", path: "/org/freedesktop/DBus" };
  let serial = 0;
  const send = async (
    type: number,
    fields: Partial<Record<keyof typeof FIELD, unknown>>,
    body: Writer,
  ) => await writeAll(connection, message({ type, serial: ++serial, fields, body }));

  const run = async () => {
    const uid = String(Deno.uid());
    const hex = [...uid].map((digit) => digit.charCodeAt(0).toString(16)).join("");
    await writeAll(connection, new TextEncoder().encode(`\0AUTH EXTERNAL ${hex}\r\n`));
    const read = reader(connection);
    await read.line();
    await writeAll(connection, new TextEncoder().encode("BEGIN\r\n"));
    const call = (member: string, body = new Writer(), signature?: string) =>
      send(CALL, { ...bus, interface: "org.freedesktop.DBus", member, signature }, body);
    await call("Hello");
    await call("RequestName", new Writer().text("org.freedesktop.Notifications").uint32(0), "su");
    for (;;) {
      const { type, serial: reply, fields, body } = await read.message();
      // The answer to the second call, RequestName.
      if (type === RETURN && fields.get(FIELD.reply) === 2) ready.resolve();
      if (type !== CALL) continue;
      const to = fields.get(FIELD.from);
      switch (fields.get(FIELD.member)) {
        case "Notify":
          shown.push(notification(body));
          await send(RETURN, { reply, to, signature: "u" }, new Writer().uint32(shown.length));
          break;
        case "GetServerInformation": {
          const info = new Writer().text("test").text("test").text("1").text("1.2");
          await send(RETURN, { reply, to, signature: "ssss" }, info);
          break;
        }
        default: {
          const error = "org.freedesktop.DBus.Error.UnknownMethod";
          await send(ERROR, { reply, to, error }, new Writer());
        }
      }
    }
  };
  const ended = run().catch((error) => {
    const closed = error instanceof Deno.errors.Interrupted ||
      error instanceof Deno.errors.BadResource || error instanceof Deno.errors.UnexpectedEof;
    ready.reject(error);
    if (!closed) throw error;
  });
  return { ready: ready.promise, ended };
}

/** The arguments of `Notify`: app, replaced id, icon, title, body, actions, hints, time-out. */
function notification(bytes: Uint8Array): Notification {
  const body = new Reader(bytes);
  const app = body.text();
  body.uint32();
  body.text();
  const [title, text] = [body.text(), body.text()];
  const actions = body.uint32();
  body.at += actions;
  let urgency = 1;
  const hints = body.uint32();
  const end = body.align(8) + hints;
  while (body.at < end) {
    body.align(8);
    const [hint, value] = [body.text(), body.variant()];
    if (hint === "urgency") urgency = Number(value);
  }
  return { app, title, body: text, urgency };
}

/** Writes values as D-Bus lays them out: each at a multiple of its size, little-endian. */
class Writer {
  readonly bytes: number[] = [];

  align(size: number): this {
    while (this.bytes.length % size !== 0) this.bytes.push(0);
    return this;
  }

  byte(value: number): this {
    this.bytes.push(value);
    return this;
  }

  uint32(value: number): this {
    this.align(4);
    for (let shift = 0; shift < 32; shift += 8) this.bytes.push((value >>> shift) & 255);
    return this;
  }

  text(value: string): this {
    const bytes = new TextEncoder().encode(value);
    this.uint32(bytes.length).bytes.push(...bytes, 0);
    return this;
  }

  signature(value: string): this {
    const bytes = new TextEncoder().encode(value);
    this.bytes.push(bytes.length, ...bytes, 0);
    return this;
  }
}

class Reader {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Returns the place that it comes to. */
  align(size: number): number {
    return this.at = Math.ceil(this.at / size) * size;
  }

  byte(): number {
    return this.#view.getUint8(this.at++);
  }

  uint32(): number {
    this.align(4);
    this.at += 4;
    return this.#view.getUint32(this.at - 4, true);
  }

  text(length = this.uint32()): string {
    const from = this.at;
    this.at += length + 1;
    return new TextDecoder().decode(this.#bytes.subarray(from, from + length));
  }

  /** A value that brings its type: a byte, a number, a text; of any other type nothing follows that is read here. */
  variant(): unknown {
    const type = this.text(this.byte());
    if (type === "y") return this.byte();
    if (type === "u" || type === "i" || type === "b") return this.uint32();
    if (type === "x" || type === "t") {
      this.align(8);
      this.at += 8;
      return null;
    }
    if (type === "g") return this.text(this.byte());
    if (type === "s" || type === "o") return this.text();
    throw new TypeError(`Cannot read a value of type "${type}"`);
  }
}

interface Message {
  type: number;
  serial: number;
  fields: ReadonlyMap<number, unknown>;
  body: Uint8Array;
}

function message(
  { type, serial, fields, body }: {
    type: number;
    serial: number;
    fields: Partial<Record<keyof typeof FIELD, unknown>>;
    body: Writer;
  },
): Uint8Array {
  const head = new Writer().byte(0x6c).byte(type).byte(0).byte(1).uint32(body.bytes.length)
    .uint32(serial);
  const array = new Writer();
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    array.align(8).byte(FIELD[name as keyof typeof FIELD]);
    if (name === "reply") array.signature("u").uint32(Number(value));
    else if (name === "signature") array.signature("g").signature(String(value));
    else array.signature(name === "path" ? "o" : "s").text(String(value));
  }
  head.uint32(array.bytes.length).bytes.push(...array.bytes);
  return new Uint8Array([...head.align(8).bytes, ...body.bytes]);
}

function reader(connection: Deno.UnixConn) {
  const exactly = async (length: number) => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const read = await connection.read(bytes.subarray(at));
      if (read === null) throw new Deno.errors.UnexpectedEof();
      at += read;
    }
    return bytes;
  };
  return {
    async line(): Promise<void> {
      while ((await exactly(1))[0] !== 10);
    },
    async message(): Promise<Message> {
      const head = new Uint8Array(16);
      head.set(await exactly(16));
      const fixed = new Reader(head);
      fixed.at = 4;
      const [bodyLength, serial, fieldsLength] = [fixed.uint32(), fixed.uint32(), fixed.uint32()];
      const list = new Reader(await exactly(Math.ceil(fieldsLength / 8) * 8));
      const fields = new Map<number, unknown>();
      while (list.at < fieldsLength) {
        list.align(8);
        fields.set(list.byte(), list.variant());
      }
      return { type: head[1]!, serial, fields, body: await exactly(bodyLength) };
    },
  };
}

async function writeAll(connection: Deno.UnixConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}
