/**
 * The API's port: `Deno.serve`, started again when it stops by itself. It stops at the first "Too many open files",
 * and keeps the connections it has: starting again closes all of them, which frees their files and their memory.
 * @module
 */
import { type Clock, logger, LogThrottle, type Reader, systemClock } from "../core/mod.ts";

/**
 * Cut answers whose callers still read nothing. `Deno.serve` ends such a connection only when its caller reads or
 * hangs up, and holds up to 344 KiB for it until then.
 */
export const MAX_STALLED = 256;

/** How long requests in progress may take before every connection is closed. */
const DRAIN_MS = 1_000;
const DRAIN_POLL_MS = 20;
const MIN_RETRY_MS = 2;
const MAX_RETRY_MS = 200;

export interface ListenOptions {
  hostname: string;
  /** 0 for any that is free. */
  port: number;
  /** Never throws. */
  handler: (
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ) => Response | Promise<Response>;
  onError: (error: unknown) => Response;
  /** The reader of an answer that may take long: an event stream, a long list. */
  readerOf: (response: Response) => Reader | undefined;
  maxStalled?: number;
  clock?: Clock;
}

/** A port that is listened on. */
export interface Listening {
  readonly addr: Deno.NetAddr;
  /** Accepts no more connections and closes idle ones; resolves when every answer in progress is out. */
  shutdown(): Promise<void>;
}

/** Listens on a port. Throws where the system does not allow it. */
export function listen(options: ListenOptions): Listening {
  return new Port(options);
}

/** One `Deno.serve` with its connections. */
class Server {
  readonly #port: ListenOptions;
  readonly #clock: Clock;
  readonly #closeAll = new AbortController();
  readonly #http: Deno.HttpServer<Deno.NetAddr>;
  readonly #ended = Promise.withResolvers<string>();
  #answering = 0;
  #stalled = 0;
  #closing = false;

  constructor(options: ListenOptions) {
    const { hostname, port, onError, clock = systemClock } = options;
    this.#port = options;
    this.#clock = clock;
    this.#http = Deno.serve(
      { hostname, port, onError, onListen: () => {}, signal: this.#closeAll.signal },
      (request, info) => this.#answer(request, info),
    );
    this.#http.finished.then(() => this.#ended.resolve("closed"), (error) => {
      this.#ended.resolve(String(error));
    });
  }

  get addr(): Deno.NetAddr {
    return this.#http.addr;
  }

  /** Resolves with the reason when it accepts no more connections, or has to be replaced. */
  get ended(): Promise<string> {
    return this.#ended.promise;
  }

  shutdown(): Promise<void> {
    return this.#http.shutdown();
  }

  closeConnections(): void {
    this.#closeAll.abort();
  }

  #answer(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Response | Promise<Response> {
    const response = this.#port.handler(request, info);
    if (!(response instanceof Promise)) return this.#follow(response, info);
    this.#answering++;
    return response.then((response) => {
      this.#answering--;
      return this.#follow(response, info);
    });
  }

  #follow(response: Response, info: Deno.ServeHandlerInfo<Deno.NetAddr>): Response {
    const reader = this.#port.readerOf(response);
    if (!reader) return response;
    const { completed } = info;
    reader.deliveredBy(completed);
    reader.cut.addEventListener("abort", () => this.#stalls(completed), { once: true });
    return response;
  }

  #stalls(completed: Promise<void>): void {
    this.#stalled++;
    const over = () => void this.#stalled--;
    completed.then(over, over);
    if (this.#isFull() && !this.#closing) void this.#replace();
  }

  #isFull(): boolean {
    return this.#stalled > (this.#port.maxStalled ?? MAX_STALLED);
  }

  /** All connections have to close: there is no way to close some of them. */
  async #replace(): Promise<void> {
    this.#closing = true;
    for (let ms = 0; ms < DRAIN_MS; ms += DRAIN_POLL_MS) {
      await this.#clock.wait(DRAIN_POLL_MS);
      if (this.#answering === 0) break;
    }
    // Answers whose rest was on its way to the caller have arrived meanwhile.
    this.#closing = this.#isFull();
    if (!this.#closing) return;
    this.#ended.resolve(`${this.#stalled} callers do not read their answers`);
  }
}

class Port implements Listening {
  readonly addr: Deno.NetAddr;
  readonly #options: ListenOptions;
  readonly #clock: Clock;
  readonly #logThrottle: LogThrottle;
  readonly #ending = new AbortController();
  /** Undefined between two of them. */
  #server: Server | undefined;

  constructor(options: ListenOptions) {
    const { clock = systemClock } = options;
    const server = new Server(options);
    this.addr = server.addr;
    this.#options = { ...options, port: this.addr.port };
    this.#clock = clock;
    this.#logThrottle = new LogThrottle({ clock });
    void this.#run(server);
  }

  async shutdown(): Promise<void> {
    this.#ending.abort();
    await this.#server?.shutdown();
  }

  async #run(first: Server): Promise<void> {
    const { signal } = this.#ending;
    for (let server: Server | undefined = first; server; server = await this.#start()) {
      this.#server = server;
      const cause = await server.ended;
      if (signal.aborted) return;
      this.#server = undefined;
      this.#log("All connections to the API are closed, to start again: {cause}{more}", cause);
      server.closeConnections();
    }
  }

  async #start(): Promise<Server | undefined> {
    const { signal } = this.#ending;
    for (let ms = MIN_RETRY_MS; !signal.aborted; ms = Math.min(MAX_RETRY_MS, ms * 2)) {
      try {
        return new Server(this.#options);
      } catch (error) {
        // The port is free a moment after its connections were closed.
        if (ms === MAX_RETRY_MS) this.#log("Cannot listen again: {cause}{more}", String(error));
        await this.#clock.wait(ms, { signal });
      }
    }
    return undefined;
  }

  #log(message: string, cause: string): void {
    this.#logThrottle.log(message, (more) => logger("api").warn(message, { cause, more }));
  }
}
