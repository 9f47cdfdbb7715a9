/**
 * The connections to the API's port. There are at most so many: when one more comes, the one that has been idle
 * for longest makes room, so that whoever opens thousands of connections and says nothing keeps nobody out.
 * @module
 */
import { setImmediate } from "node:timers";
import { type Clock, every, logger, LogThrottle, type Reader, systemClock } from "../core/mod.ts";
import { cutter, type Handler, type ServeConnection, serveConnection } from "./http_connection.ts";

export interface ConnectionLimits {
  /** Connections at once. */
  connections: number;
  /** How long a newcomer may take for its first request. */
  firstRequestMs: number;
  /** How long a connection may lie idle after an answer: longer than clients keep theirs for reuse. */
  idleMs: number;
  /** How long a request may take, its body too. An event stream may take for ever. */
  requestMs: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  // Twice as many as may listen to events.
  connections: 2_048,
  firstRequestMs: 20_000,
  idleMs: 120_000,
  requestMs: 600_000,
};

export interface ListenOptions {
  hostname: string;
  port: number;
  handler: Handler;
  onError: (error: unknown) => Response;
  /** Whom an answer is on its way to, where that may take long: an event stream, a long list. */
  readerOf: (response: Response) => Reader | undefined;
  limits?: Partial<ConnectionLimits> | undefined;
  clock?: Clock;
  /** How a connection is served; null where the runtime cannot serve one (default: as this one can). */
  serveConnection?: ServeConnection | null;
}

/** A port that is listened on. */
export interface Listening {
  readonly addr: Deno.NetAddr;
  /** Lets nobody in any more, and closes what is idle; resolves when every answer under way is out. */
  shutdown(): Promise<void>;
}

interface Line {
  cut: AbortController;
  server: Deno.HttpServer<Deno.NetAddr>;
  /** Requests that are being answered. */
  answering: number;
  /** When it became idle or busy, and how long it may stay so. */
  since: number;
  patienceMs: number;
}

const SWEEP_MS = 5_000;
/**
 * How many are let in before others have their turn. The system hands over all that wait at once, 128 of them, at
 * 0.1 to 0.2 ms each.
 */
const AT_ONCE = 16;
/** After the system had no room for a connection, and how long fewer are let in then. */
const ACCEPT_AGAIN_MS = 100;
const SHORTAGE_MS = 60_000;
const FEWEST = 16;

/** Listens on a port. */
export function listenOn(options: ListenOptions): Listening {
  const serve = options.serveConnection === undefined ? serveConnection : options.serveConnection;
  if (serve) return new Connections(options, serve);
  logger("api").warn("This version of Deno does not let the agent bound its connections");
  const { hostname, port, handler, onError } = options;
  return Deno.serve({ hostname, port, onError, onListen: () => {} }, handler);
}

class Connections implements Listening {
  readonly #listener: Deno.TcpListener;
  readonly #serve: ServeConnection;
  readonly #handler: Handler;
  readonly #onError: (error: unknown) => Response;
  readonly #readerOf: (response: Response) => Reader | undefined;
  readonly #limits: ConnectionLimits;
  readonly #clock: Clock;
  readonly #logThrottle: LogThrottle;
  readonly #closing = new AbortController();
  readonly #lines = new Set<Line>();
  /** Those of them on which nothing is being answered, the longest idle first. */
  readonly #idle = new Set<Line>();
  /** How many the system has room for, while that is fewer than the limit. */
  #room = Infinity;
  #shortageAt = -Infinity;

  constructor(options: ListenOptions, serve: ServeConnection) {
    const { hostname, port, handler, onError, readerOf, limits, clock = systemClock } = options;
    this.#serve = serve;
    this.#handler = handler;
    this.#onError = onError;
    this.#readerOf = readerOf;
    this.#limits = { ...CONNECTION_LIMITS, ...limits };
    this.#clock = clock;
    this.#logThrottle = new LogThrottle({ clock });
    this.#listener = Deno.listen({ hostname, port });
    void this.#accept();
    const { signal } = this.#closing;
    void every(SWEEP_MS, () => this.#sweep(), { signal, clock, name: "api connections" });
  }

  get addr(): Deno.NetAddr {
    return this.#listener.addr;
  }

  async shutdown(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort();
      this.#listener.close();
    }
    await Promise.all([...this.#lines].map(({ server }) => server.shutdown()));
  }

  async #accept(): Promise<void> {
    const { signal } = this.#closing;
    for (let letIn = 1; !signal.aborted; letIn++) {
      if (letIn % AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
      try {
        const connection = await this.#listener.accept();
        // Let in by the system while the port was being closed.
        if (signal.aborted) connection.close();
        else this.#admit(connection);
      } catch (error) {
        if (signal.aborted) return;
        this.#makeRoom(error);
        await this.#clock.wait(ACCEPT_AGAIN_MS, { signal });
      }
    }
  }

  #admit(connection: Deno.TcpConn): void {
    if (this.#lines.size >= Math.min(this.#limits.connections, this.#room)) {
      this.#logThrottle.log("full", (more) => {
        logger("api").warn(
          "There are {count} connections to the API, more than it takes: the longest idle are closed{more}",
          { count: this.#lines.size, more },
        );
      });
      const [longestIdle] = this.#idle;
      if (!longestIdle) return connection.close();
      this.#close(longestIdle);
    }
    try {
      // An answer is one small packet that somebody waits for.
      connection.setNoDelay(true);
    } catch {
      // It has gone already; serving will find out.
    }
    const cut = cutter();
    const line: Line = {
      cut,
      server: this.#serve(
        connection,
        cut.signal,
        (request, info) => this.#answer(line, request, info),
        this.#onError,
        () => {},
      ),
      answering: 0,
      since: this.#clock.monotonic(),
      patienceMs: this.#limits.firstRequestMs,
    };
    this.#lines.add(line);
    this.#idle.add(line);
    const over = () => this.#forget(line);
    line.server.finished.then(over, over);
  }

  #answer(
    line: Line,
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Response | Promise<Response> {
    line.answering++;
    this.#idle.delete(line);
    line.since = this.#clock.monotonic();
    line.patienceMs = this.#limits.requestMs;
    const answered = (response: Response) => {
      const rests = () => this.#rests(line);
      const reader = this.#readerOf(response);
      if (reader) {
        // Its reader has its own limits, and takes the connection along when it is cut.
        line.patienceMs = Infinity;
        reader.cut.addEventListener("abort", () => this.#close(line), { once: true });
        reader.deliveredBy(info.completed);
        info.completed.then(rests, rests);
      } else {
        rests();
      }
      return response;
    };
    // It answers whatever happens, so that there is always a rest after it.
    const response = this.#handler(request, info);
    return response instanceof Promise ? response.then(answered) : answered(response);
  }

  #rests(line: Line): void {
    if (--line.answering > 0 || !this.#lines.has(line)) return;
    line.since = this.#clock.monotonic();
    line.patienceMs = this.#limits.idleMs;
    this.#idle.add(line);
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    for (const line of this.#lines) {
      if (now - line.since > line.patienceMs) this.#close(line);
    }
    if (now - this.#shortageAt > SHORTAGE_MS) this.#room = Infinity;
  }

  /** The system had no room for a connection: the idle ones make some, also for what else opens files. */
  #makeRoom(error: unknown): void {
    this.#logThrottle.log("shortage", (more) => {
      logger("api").warn("Cannot let a caller in, idle connections are closed: {error}{more}", {
        error,
        more,
      });
    });
    this.#shortageAt = this.#clock.monotonic();
    this.#room = Math.max(FEWEST, Math.floor(this.#lines.size * 3 / 4));
    for (const line of this.#idle) {
      if (this.#lines.size <= this.#room) break;
      this.#close(line);
    }
  }

  #close(line: Line): void {
    this.#forget(line);
    line.cut.abort();
  }

  #forget(line: Line): void {
    this.#lines.delete(line);
    this.#idle.delete(line);
  }
}
