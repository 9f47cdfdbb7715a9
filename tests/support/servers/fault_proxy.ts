/**
 * A network that breaks on purpose: a TCP relay whose links get slow, lose packets, go one way only, die without a
 * word, or are answered by a proxy in between. What is in force applies to connections that are open already, too.
 * @module
 */

/** What the network does. */
export type LinkFault =
  | { kind: "clear" }
  | { kind: "latency"; ms: number; jitterMs: number }
  /** Packets are lost; as TCP sends them again, their bytes come late: 200 ms, then twice as long each time. */
  | { kind: "loss"; share: number }
  /** So few bytes a second that an answer takes for ever (slow-loris). */
  | { kind: "trickle"; bytesPerSec: number }
  /** New connections end as they begin, and those that are open break. */
  | { kind: "refuse" }
  /** Connections break at the first bytes that pass. */
  | { kind: "reset" }
  /** What is sent arrives, and the connection breaks when the answer comes. */
  | { kind: "reset-after-apply" }
  /** Connections are accepted; nothing passes, nothing ends (a cable pulled, a router that forgot). */
  | { kind: "half-open" }
  /** Bytes pass in one direction only: `up` from the client, `down` to it. */
  | { kind: "one-way"; passes: "up" | "down" }
  /** A gateway answers in the place of the server, which sees nothing: with an error, or a redirect. */
  | { kind: "status"; status: number; headers?: Readonly<Record<string, string>> }
  /** The network answers with its sign-in page, in the place of the server (a captive portal). */
  | { kind: "portal"; status: 200 | 511 };

type Direction = "up" | "down";

interface Link {
  client: Deno.TcpConn;
  server: Deno.TcpConn;
  /** Bytes were swallowed: what comes behind them would make no sense. */
  dead: boolean;
  /** The last fault that it met. */
  met?: LinkFault;
}

/** When TCP sends a lost packet again for the first time. */
const RETRANSMIT_MS = 200;

export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  /** The port on this machine that connections are relayed to. */
  target: number;
  readonly #random: () => number;
  readonly #listener: Deno.TcpListener;
  readonly #links = new Set<Link>();
  readonly #accepting: Promise<void>;
  readonly #closing = new AbortController();
  #fault: LinkFault = { kind: "clear" };
  #met = 0;

  constructor(target: number, { random = Math.random }: { random?: () => number } = {}) {
    this.target = target;
    this.#random = random;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#accepting = this.#accept();
  }

  get fault(): LinkFault {
    return this.#fault;
  }

  set fault(fault: LinkFault) {
    this.#fault = fault;
    this.#met = 0;
    if (fault.kind === "refuse") {
      this.#met = this.links;
      this.cut();
    }
  }

  /** How many connections the fault in force has met. */
  get met(): number {
    return this.#met;
  }

  /** How many connections there are. */
  get links(): number {
    return this.#links.size;
  }

  /** Breaks every connection. */
  cut(): void {
    for (const link of this.#links) breakLink(link);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#listener.close();
    this.cut();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const relays = new Set<Promise<void>>();
    try {
      for await (const conn of this.#listener) {
        const relay = this.#relay(conn).finally(() => relays.delete(relay));
        relays.add(relay);
      }
    } catch {
      // The listener is closed.
    }
    await Promise.all(relays);
  }

  async #relay(client: Deno.TcpConn): Promise<void> {
    if (this.#fault.kind === "refuse") {
      this.#met++;
      return close(client);
    }
    let server: Deno.TcpConn;
    try {
      server = await Deno.connect({ hostname: "127.0.0.1", port: this.target });
    } catch {
      return close(client);
    }
    const link: Link = { client, server, dead: false };
    this.#links.add(link);
    await Promise.all([this.#pump(link, "up"), this.#pump(link, "down")]);
    this.#links.delete(link);
    breakLink(link);
  }

  /** Relays one direction until it ends; then both end, as HTTP knows no half-closed connections. */
  async #pump(link: Link, direction: Direction): Promise<void> {
    const [from, to] = direction === "up" ? [link.client, link.server] : [link.server, link.client];
    const buffer = new Uint8Array(16_384);
    try {
      for (;;) {
        const read = await from.read(buffer);
        if (read === null) break;
        const passed = await this.#pass(buffer.subarray(0, read), { link, to, direction });
        if (passed === "broken") break;
      }
    } catch {
      // The other end is gone.
    }
    // A dead link stays open until its client gives up: that is what makes it half-open.
    if (!link.dead || direction === "up") breakLink(link);
  }

  async #pass(
    bytes: Uint8Array,
    { link, to, direction }: { link: Link; to: Deno.TcpConn; direction: Direction },
  ): Promise<"passed" | "broken"> {
    const fault = this.#fault;
    if (link.met !== fault) this.#met++;
    link.met = fault;
    switch (fault.kind) {
      case "half-open":
        link.dead = true;
        break;
      case "one-way":
        if (fault.passes !== direction) link.dead = true;
        break;
      case "reset":
        return "broken";
      case "reset-after-apply":
        if (direction === "down") return "broken";
        break;
      case "status":
      case "portal":
        if (direction === "down") return "broken";
        if (!link.dead) await answerInstead(link.client, fault);
        // The rest of the request is read and swallowed: a break would reach the client before the answer.
        link.dead = true;
        break;
      case "latency":
        await this.#wait(fault.ms + this.#random() * fault.jitterMs);
        break;
      case "loss":
        for (let ms = RETRANSMIT_MS; this.#random() < fault.share && ms < 5_000; ms *= 2) {
          await this.#wait(ms);
        }
        break;
      case "trickle":
        await this.#trickle(bytes, { to, fault });
        return "passed";
    }
    // In one direction only, what still passes goes on to.
    const swallowed = link.dead && !(fault.kind === "one-way" && fault.passes === direction);
    if (!swallowed) await writeAll(to, bytes);
    return "passed";
  }

  async #trickle(
    bytes: Uint8Array,
    { to, fault }: { to: Deno.TcpConn; fault: LinkFault & { kind: "trickle" } },
  ): Promise<void> {
    const piece = Math.max(1, Math.ceil(fault.bytesPerSec / 20));
    let sent = 0;
    while (sent < bytes.length && this.#fault === fault) {
      await writeAll(to, bytes.subarray(sent, sent += piece));
      await this.#wait(50);
    }
    // The weather has changed: the rest follows at once.
    await writeAll(to, bytes.subarray(sent));
  }

  #wait(ms: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

async function answerInstead(
  client: Deno.TcpConn,
  fault: LinkFault & { kind: "status" | "portal" },
): Promise<void> {
  await writeAll(client, answerOf(fault));
  await client.closeWrite();
}

function answerOf(fault: LinkFault & { kind: "status" | "portal" }): Uint8Array {
  const { status } = fault;
  const body = fault.kind === "portal" ? SIGN_IN_PAGE : "<html><h1>The gateway says no</h1></html>";
  const headers = fault.kind === "status" ? fault.headers : {};
  const lines = Object.entries({
    "content-type": "text/html",
    "content-length": String(body.length),
    connection: "close",
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return new TextEncoder().encode(`HTTP/1.1 ${status} Other\r\n${lines.join("")}\r\n${body}`);
}

const SIGN_IN_PAGE = `<!DOCTYPE html>
<html><head><title>Guest network</title><meta http-equiv="refresh" content="60"></head>
<body><form action="/login" method="post"><input name="room"><button>Go online</button></form></body></html>
`;

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
}

function breakLink({ client, server }: Link): void {
  close(client);
  close(server);
}

function close(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // It is closed already.
  }
}
