/**
 * The cable between an agent and its cloud: a TCP relay that can be unplugged, and that can break what is under way.
 * @module
 */
export class Plug implements AsyncDisposable {
  readonly port: number;
  readonly #target: number;
  readonly #listener: Deno.TcpListener;
  readonly #conns = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  #plugged = true;

  /** @param target the port on this machine that connections are relayed to */
  constructor(target: number, { port = 0 }: { port?: number } = {}) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#accepting = this.#accept();
  }

  get plugged(): boolean {
    return this.#plugged;
  }

  /** Connections break, and new ones break at once. */
  pull(): void {
    this.#plugged = false;
    this.cut();
  }

  push(): void {
    this.#plugged = true;
  }

  /** Breaks the connections that are open now. */
  cut(): void {
    for (const conn of this.#conns) close(conn);
    this.#conns.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const relays: Promise<void>[] = [];
    try {
      for await (const conn of this.#listener) {
        if (this.#plugged) relays.push(this.#relay(conn));
        else close(conn);
      }
    } catch {
      // The listener is closed.
    }
    await Promise.all(relays);
  }

  async #relay(conn: Deno.TcpConn): Promise<void> {
    let upstream: Deno.TcpConn;
    try {
      upstream = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
    } catch {
      return close(conn);
    }
    this.#conns.add(conn).add(upstream);
    await Promise.allSettled([
      conn.readable.pipeTo(upstream.writable),
      upstream.readable.pipeTo(conn.writable),
    ]);
    for (const end of [conn, upstream]) {
      this.#conns.delete(end);
      close(end);
    }
  }
}

function close(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // It is closed already.
  }
}
