import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { listen, type Listening } from "../../src/api/listen.ts";
import { type Clock, Readers, systemClock } from "../../src/core/mod.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { until } from "../support/until.ts";

interface Door extends AsyncDisposable {
  port: number;
  /** How many requests have come. */
  readonly asked: number;
  /** Lets the answers to `/later` go. */
  answerLater: () => void;
  /** Cuts the readers of all event streams. */
  cut: () => void;
  /** Ends the event streams. */
  endStreams: () => void;
  /** Lets nobody in any more. */
  shutdown(): Promise<void>;
}

function door(
  { maxStalled = 1_000, clock = systemClock }: { maxStalled?: number; clock?: Clock } = {},
): Door {
  let asked = 0;
  const readers = new Readers();
  const cuts: (() => void)[] = [];
  const later = Promise.withResolvers<void>();
  const ending = Promise.withResolvers<void>();
  const listening: Listening = listen({
    hostname: "127.0.0.1",
    port: 0,
    maxStalled,
    clock,
    onError: () => new Response(null, { status: 500 }),
    readerOf: (response) => readers.of(response),
    async handler({ url }) {
      asked++;
      if (url.endsWith("/later")) await later.promise;
      const flood = url.endsWith("/flood");
      if (!flood && !url.endsWith("/stream")) return new Response("hello");
      let stop = () => {};
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          stop = () => controller.close();
          // More than the system takes from a server whose caller does not read.
          const bytes = flood ? new Uint8Array(1 << 25) : new TextEncoder().encode(": hello\n\n");
          controller.enqueue(bytes);
        },
        pull: async (controller) => {
          await ending.promise;
          controller.close();
        },
      });
      const { response, reader } = readers.enter(body, {
        headers: { "content-type": "text/event-stream" },
      });
      reader.cut.addEventListener("abort", stop);
      cuts.push(() => reader.drop());
      return response;
    },
  });
  return {
    port: listening.addr.port,
    get asked() {
      return asked;
    },
    cut: () => cuts.splice(0).forEach((cut) => cut()),
    answerLater: later.resolve,
    endStreams: ending.resolve,
    shutdown: () => listening.shutdown(),
    async [Symbol.asyncDispose]() {
      later.resolve();
      ending.resolve();
      await listening.shutdown();
    },
  };
}

/** A caller, byte by byte. */
class Caller implements Disposable {
  readonly #connection: Deno.TcpConn;
  heard = "";
  closed = false;
  readonly #ended: Promise<void>;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.#ended = this.#listen();
  }

  static async at({ port }: Door): Promise<Caller> {
    return new Caller(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async say(text: string): Promise<void> {
    await this.#connection.write(new TextEncoder().encode(text));
  }

  async ask(path = "/"): Promise<void> {
    await this.say(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  }

  hears(text: string): Promise<void> {
    return until(() => this.heard.includes(text), `"${text}" is answered`);
  }

  async isClosed(): Promise<void> {
    await this.#ended;
  }

  async #listen(): Promise<void> {
    const bytes = new Uint8Array(4096);
    try {
      for (let n; (n = await this.#connection.read(bytes)) !== null;) {
        this.heard += new TextDecoder().decode(bytes.subarray(0, n));
      }
    } catch {
      // Reset.
    }
    this.closed = true;
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch {
      // Closed already.
    }
  }
}

Deno.test("The port ends by itself once every answer is out", async () => {
  await using it = door();
  using waiting = await Caller.at(it);
  await waiting.ask("/later");
  await until(() => it.asked > 0, "it is being answered");
  using idle = await Caller.at(it);
  await idle.ask();
  await idle.hears("hello");
  let ended = false;
  const ending = it.shutdown().then(() => void (ended = true));
  await idle.isClosed();
  assert.equal(ended, false);
  it.answerLater();
  await ending;
  await waiting.isClosed();
  assert.match(waiting.heard, /hello$/);
});

Deno.test("The port accepts no connection once it ends, and may be ended twice", async () => {
  await using it = door();
  using listening = await Caller.at(it);
  await listening.ask("/stream");
  await listening.hears(": hello");
  const ending = [it.shutdown(), it.shutdown()];
  // Whoever comes in the same moment may still be let in by the system, to be hung up on.
  await until(async () => {
    try {
      using _late = await Caller.at(it);
      return false;
    } catch (error) {
      if (/^Connection(Refused|Reset)/.test(String(error))) return true;
      throw error;
    }
  }, "callers to be refused");
  it.endStreams();
  await Promise.all(ending);
  await listening.isClosed();
});

Deno.test("The port ends also while callers hang up", async () => {
  for (let round = 0; round < 20; round++) {
    await using it = door();
    const callers = await Promise.all(Array.from({ length: 40 }, () => Caller.at(it)));
    for (const caller of callers) caller[Symbol.dispose]();
    // In another turn of the event loop each time.
    for (let turn = 0; turn < round % 5; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await it.shutdown();
  }
});

Deno.test("The port does not wait for callers that have sent no request", async () => {
  await using it = door();
  using silent = await Caller.at(it);
  using half = await Caller.at(it);
  await half.say("GET / HTTP/1.1\r\nHo");
  using sound = await Caller.at(it);
  await sound.ask();
  await sound.hears("hello");
  await it.shutdown();
  await Promise.all([silent.isClosed(), half.isClosed(), sound.isClosed()]);
});

Deno.test("A reader that is cut gets the end of its answer", async () => {
  await using it = door();
  using caller = await Caller.at(it);
  await caller.ask("/stream");
  await caller.hears(": hello");
  it.cut();
  await caller.hears("0\r\n\r\n");
});

Deno.test("The port closes its connections when too many that were cut do not read, and goes on", async () => {
  const clock = new FakeClock();
  await using it = door({ maxStalled: 2, clock });
  using idle = await Caller.at(it);
  await idle.ask();
  await idle.hears("hello");
  using waiting = await Caller.at(it);
  await waiting.ask("/later");
  await until(() => it.asked === 2, "it is being answered");
  using silent = new DisposableStack();
  const flood = async () => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: it.port });
    silent.defer(() => connection.close());
    await connection.write(new TextEncoder().encode("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n"));
    return connection;
  };
  for (let count = 0; count < 2; count++) await flood();
  await until(() => it.asked === 4, "they are being answered");
  it.cut();
  assert.equal(idle.closed, false);
  const last = await flood();
  await until(() => it.asked === 5, "it is being answered");
  it.cut();
  // What is in progress is answered first, for a second.
  await clock.advance(900);
  it.answerLater();
  await waiting.hears("hello");
  await clock.advance(100);
  await Promise.all([idle.isClosed(), waiting.isClosed()]);
  // The connection of a caller that reads nothing has ended as well, before its answer did.
  let bytes = 0;
  const part = new Uint8Array(1 << 16);
  for (let n; (n = await last.read(part).catch(() => null)) !== null;) bytes += n;
  assert.ok(bytes < 1 << 25, `${bytes} bytes`);
  await until(async () => {
    await clock.advance(200);
    try {
      using newcomer = await Caller.at(it);
      await newcomer.ask();
      await newcomer.hears("hello");
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return false;
      throw error;
    }
  }, "the port is there again");
});
