import assert from "node:assert/strict";
import { clearImmediate, setImmediate } from "node:timers";
import { type ConnectionLimits, type Listening, listenOn } from "../../src/api/connections.ts";
import { serveConnection } from "../../src/api/http_connection.ts";
import { Readers } from "../../src/core/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { until } from "../support/until.ts";

interface Door extends AsyncDisposable {
  port: number;
  clock: FakeClock;
  /** How many requests have come. */
  readonly asked: number;
  /** Lets the answers to `/later` go. */
  answerLater: () => void;
  /** Cuts the reader of the last event stream. */
  cut: () => void;
  /** Ends the event streams. */
  endStreams: () => void;
  /** Lets nobody in any more. */
  shutdown(): Promise<void>;
}

function door(limits: Partial<ConnectionLimits>, by = serveConnection): Door {
  const clock = new FakeClock();
  let asked = 0;
  const readers = new Readers({ clock });
  let cut = () => {};
  const later = Promise.withResolvers<void>();
  const ending = Promise.withResolvers<void>();
  const listening: Listening = listenOn({
    hostname: "127.0.0.1",
    port: 0,
    clock,
    limits,
    serveConnection: by,
    onError: () => new Response(null, { status: 500 }),
    readerOf: (response) => readers.of(response),
    async handler({ url }) {
      asked++;
      if (url.endsWith("/later")) await later.promise;
      if (!url.endsWith("/stream")) return new Response("hello");
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode(": hello\n\n")),
        pull: async (controller) => {
          await ending.promise;
          controller.close();
        },
      });
      const { response, reader } = readers.enter(body, {
        headers: { "content-type": "text/event-stream" },
      });
      cut = () => reader.drop();
      return response;
    },
  });
  return {
    port: listening.addr.port,
    clock,
    get asked() {
      return asked;
    },
    cut: () => cut(),
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

Deno.test("This runtime lets connections be served one by one", () => {
  assert.notEqual(serveConnection, null);
});

Deno.test("Connections make room for a newcomer by closing the one that is idle for longest", async () => {
  await using it = door({ connections: 3 });
  using silent = await Caller.at(it);
  using second = await Caller.at(it);
  await second.ask();
  await second.hears("hello");
  using third = await Caller.at(it);
  await third.ask();
  await third.hears("hello");
  using newcomer = await Caller.at(it);
  await newcomer.ask();
  await newcomer.hears("hello");
  await silent.isClosed();
  assert.deepEqual([second.closed, third.closed, newcomer.closed], [false, false, false]);
});

Deno.test("Connections that are being answered are not closed for a newcomer", async () => {
  await using it = door({ connections: 2 });
  using waiting = await Caller.at(it);
  await waiting.ask("/later");
  await until(() => it.asked > 0, "it is being answered");
  using listening = await Caller.at(it);
  await listening.ask("/stream");
  await listening.hears(": hello");
  using newcomer = await Caller.at(it);
  await newcomer.isClosed();
  it.answerLater();
  await waiting.hears("hello");
  it.endStreams();
  using late = await Caller.at(it);
  await late.ask();
  await late.hears("hello");
});

Deno.test("Connections close a newcomer whose first request does not come in time", async () => {
  await using it = door({ firstRequestMs: 20_000 });
  using silent = await Caller.at(it);
  using slow = await Caller.at(it);
  await slow.say("GET / HTTP/1.1\r\nHo");
  using sound = await Caller.at(it);
  await sound.ask();
  await sound.hears("hello");
  await it.clock.sleep(15_000);
  await slow.say("st: a\r\nX-");
  await it.clock.sleep(15_000);
  await Promise.all([silent.isClosed(), slow.isClosed()]);
  assert.equal(sound.closed, false);
});

Deno.test("Connections close what lies idle after its answer, and no event stream", async () => {
  await using it = door({ idleMs: 120_000 });
  using listening = await Caller.at(it);
  await listening.ask("/stream");
  await listening.hears(": hello");
  using idle = await Caller.at(it);
  await idle.ask();
  await idle.hears("hello");
  using working = await Caller.at(it);
  await working.ask("/later");
  await until(() => it.asked === 3, "it is being answered");
  await it.clock.sleep(130_000);
  await idle.isClosed();
  assert.deepEqual([listening.closed, working.closed], [false, false]);
});

Deno.test("Connections let a crowd in a few at a time, so that others have their turn", async () => {
  let turns = 0;
  const letIn: number[] = [];
  // Once in every turn of the event loop, unlike a timer.
  let turning = setImmediate(function turn() {
    turns++;
    turning = setImmediate(turn);
  });
  await using it = door({}, (...given) => {
    letIn.push(turns);
    return serveConnection!(...given);
  });
  using crowd = new DisposableStack();
  const callers = await Promise.all(Array.from({ length: 100 }, () => Caller.at(it)));
  for (const caller of callers) crowd.use(caller);
  await until(() => letIn.length === 100, "all to be let in");
  clearImmediate(turning);
  const most = Math.max(...Map.groupBy(letIn, (turn) => turn).values().map(({ length }) => length));
  assert.ok(most <= 16, `${most} in one turn`);
  await callers.at(-1)!.ask();
  await callers.at(-1)!.hears("hello");
});

Deno.test("Connections that end by themselves while they are closed do the agent no harm", async () => {
  await using it = door({ connections: 4 });
  for (let round = 0; round < 50; round++) {
    const callers = await Promise.allSettled(Array.from({ length: 40 }, () => Caller.at(it)));
    for (const caller of callers) if (caller.status === "fulfilled") caller.value[Symbol.dispose]();
  }
  using sound = await Caller.at(it);
  await sound.ask();
  await sound.hears("hello");
});

Deno.test("Connections give up a request that takes for ever, and no event stream", async () => {
  await using it = door({ requestMs: 600_000 });
  using listening = await Caller.at(it);
  await listening.ask("/stream");
  await listening.hears(": hello");
  using stuck = await Caller.at(it);
  await stuck.ask("/later");
  await until(() => it.asked === 2, "it is being answered");
  await it.clock.sleep(610_000);
  await stuck.isClosed();
  assert.equal(listening.closed, false);
});

for (const [by, serve] of [["one by one", serveConnection], ["by Deno.serve", null]] as const) {
  Deno.test(`Connections served ${by} end by themselves once every answer is out`, async () => {
    await using it = door({}, serve);
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

  Deno.test(`Connections served ${by} let nobody in once they end, and may be ended twice`, async () => {
    await using it = door({}, serve);
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

  Deno.test(`Connections served ${by} end also while callers hang up`, async () => {
    for (let round = 0; round < 20; round++) {
      await using it = door({}, serve);
      const callers = await Promise.all(Array.from({ length: 40 }, () => Caller.at(it)));
      for (const caller of callers) caller[Symbol.dispose]();
      // In another turn of the event loop each time.
      for (let turn = 0; turn < round % 5; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      await it.shutdown();
    }
  });

  Deno.test(`Connections served ${by} do not wait for callers that have asked nothing`, async () => {
    await using it = door({}, serve);
    using silent = await Caller.at(it);
    using half = await Caller.at(it);
    await half.say("GET / HTTP/1.1\r\nHo");
    using sound = await Caller.at(it);
    await sound.ask();
    await sound.hears("hello");
    await it.shutdown();
    await Promise.all([silent.isClosed(), half.isClosed(), sound.isClosed()]);
  });
}

Deno.test("A slow download is served for as long as it is taken, and not idle meanwhile", async () => {
  await using it = door({ idleMs: 1_000, requestMs: 60_000 });
  using caller = await Caller.at(it);
  await caller.ask("/stream");
  await caller.hears(": hello");
  await it.clock.advance(30_000);
  assert.equal(caller.closed, false);
});

Deno.test("A connection goes with the reader that is cut", async () => {
  await using it = door({});
  using caller = await Caller.at(it);
  await caller.ask("/stream");
  await caller.hears(": hello");
  it.cut();
  await caller.isClosed();
});
