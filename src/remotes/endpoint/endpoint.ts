/**
 * The plain endpoint: rows are POSTed as a JSON array to an address of the user's own, with a bearer token.
 * Neither the token nor a row's content gets into an error, and the token goes to no other origin.
 * @module
 */
import {
  addressShown,
  type Clock,
  clockOffsetMs,
  DivertedError,
  isPage,
  type Outbound,
  outbound,
  type OutboxBatch,
  pageInstead,
  pageVerdict,
  type Probe,
  type PushResult,
  readText,
  type Remote,
  RemoteError,
  type RemoteErrorOptions,
  retryAfterMs,
  systemClock,
  version,
} from "../../core/mod.ts";
import { readAccepted, readError } from "./answer.ts";
import { gzipped } from "./body.ts";

export interface EndpointOptions {
  /** The address; a query stays where it is. */
  url: string;
  /** Sent as `Authorization: Bearer`. */
  token?: string | undefined;
  /** How long an answer may take, its body included. */
  timeoutMs?: number;
  /** Whether bodies are compressed; ended by the first 415. */
  gzip?: boolean;
  /** Added to the address: `/api/devices/sync-batch`. */
  path?: string;
  /** What is sent of a batch (default: its rows, as an array). */
  envelope?: (batch: OutboxBatch) => unknown;
  fetch?: typeof fetch;
  clock?: Clock;
}

/** An answer that names the rows of a batch is far smaller. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MAX_ERROR_BYTES = 8 * 1024;
/** Below this, compressing costs more than it saves. */
const GZIP_FROM = 1_024;

/** One call of the remote: what it is for, and when it has to end. */
interface Call {
  /** `push 40 heartbeats to`, for messages. */
  task: string;
  signal: AbortSignal;
}

/** @throws {TypeError} when the address is none */
export function createEndpoint(options: EndpointOptions): Remote {
  return new Endpoint(options);
}

class Endpoint implements Remote {
  readonly name: string;
  readonly #url: URL;
  readonly #token: string | undefined;
  readonly #timeoutMs: number;
  readonly #envelope: (batch: OutboxBatch) => unknown;
  readonly #request: Outbound;
  readonly #clock: Clock;
  #gzip: boolean;
  /** Whether a page answered the last push. */
  #behindPage = false;

  constructor(options: EndpointOptions) {
    const { url, token, timeoutMs = 10_000, gzip = false, path = "", clock = systemClock } =
      options;
    this.#url = new URL(url);
    if (path) this.#url.pathname = this.#url.pathname.replace(/\/+$/, "") + path;
    this.name = `endpoint ${addressShown(this.#url)}`;
    this.#token = token;
    this.#timeoutMs = timeoutMs;
    this.#gzip = gzip;
    this.#envelope = options.envelope ?? (({ rows }) => rows);
    this.#request = outbound(options.fetch);
    this.#clock = clock;
  }

  async push(batch: OutboxBatch, { signal }: { signal: AbortSignal }): Promise<PushResult> {
    const { rows, table } = batch;
    const body = JSON.stringify(this.#envelope(batch));
    return await this.#limited(
      { task: `push ${rows.length} ${table} to`, signal },
      async (call) => {
        const response = await this.#post(body, call);
        if (!response.ok) throw await this.#refused(response, call);
        return await this.#accepted(response, batch, call);
      },
    );
  }

  /** @throws {RemoteError} without a status when something else than the endpoint answers */
  async probe({ signal }: { signal: AbortSignal }): Promise<Probe> {
    return await this.#limited({ task: "reach", signal }, async (call) => {
      const sentAt = this.#clock.now();
      const { ok, headers, body } = await this.#send({ method: "HEAD" }, call);
      await body?.cancel();
      // The same page, as far as one can see without its body.
      const html = /\b(html|xml)\b/i.test(headers.get("content-type") ?? "");
      if (this.#behindPage && ok && html) throw this.#diverted(pageInstead(), call);
      return { clockOffsetMs: clockOffsetMs(headers, { sentAt, receivedAt: this.#clock.now() }) };
    });
  }

  async #post(body: string, call: Call): Promise<Response> {
    const compressed = this.#gzip && body.length >= GZIP_FROM;
    const response = await this.#send({
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json",
        "user-agent": `clockblock/${version}`,
        ...(this.#token ? { authorization: `Bearer ${this.#token}` } : {}),
        ...(compressed ? { "content-encoding": "gzip" } : {}),
      },
      body: compressed ? await gzipped(body) : body,
    }, call);
    if (response.status !== 415 || !compressed) return response;
    await response.body?.cancel();
    this.#gzip = false;
    return await this.#post(body, call);
  }

  async #send(init: RequestInit, call: Call): Promise<Response> {
    try {
      return await this.#request(this.#url, { ...init, signal: call.signal });
    } catch (error) {
      if (error instanceof DivertedError) throw this.#diverted(error, call);
      throw this.#error(call, reasonOf(error));
    }
  }

  async #accepted(response: Response, { rows }: OutboxBatch, call: Call): Promise<PushResult> {
    const { status } = response;
    const { text, whole } = await readText(response, MAX_ANSWER_BYTES).catch(() => {
      throw this.#error(call, `its answer broke off after status ${status}`, { status });
    });
    this.#behindPage = isPage(text);
    if (this.#behindPage) throw this.#diverted(pageInstead(), call);
    if (!whole) {
      const limit = `${MAX_ANSWER_BYTES / 1024 / 1024} MiB`;
      throw this.#error(call, `its answer is longer than ${limit}`, { status });
    }
    try {
      return readAccepted(text, rows);
    } catch (error) {
      const reason = error instanceof SyntaxError ? error.message : "unknown";
      throw this.#error(call, `its answer cannot be understood: ${reason}`, { status });
    }
  }

  /** The facts of an error answer. */
  async #refused(response: Response, call: Call): Promise<RemoteError> {
    const { status, headers } = response;
    // The status says enough when the body does not come.
    const { text } = await readText(response, MAX_ERROR_BYTES).catch(() => ({ text: "" }));
    const page = isPage(text);
    if (!page) this.#behindPage = false;
    const { code, detail } = readError(this.#token ? text.replaceAll(this.#token, "token") : text);
    return this.#error(call, `status ${status}${code ? ` (${code})` : ""}`, {
      status,
      code,
      detail,
      retryAfterMs: retryAfterMs(headers, this.#clock.now()),
      verdict: page ? pageVerdict(status) : undefined,
    });
  }

  /** Ends the work after the timeout too, and says which of the two ended it. */
  async #limited<T>({ task, signal }: Call, work: (call: Call) => Promise<T>): Promise<T> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), this.#timeoutMs);
    const call = { task, signal: AbortSignal.any([signal, timeout.signal]) };
    try {
      return await work(call);
    } catch (error) {
      // An error status stands, though its body never came.
      const refused = error instanceof RemoteError && (error.status ?? 0) >= 300;
      if (refused) throw error;
      if (signal.aborted) throw this.#error(call, "stopped");
      if (!timeout.signal.aborted) throw error;
      throw this.#error(call, `no answer in ${this.#timeoutMs / 1_000} s`, { code: "timeout" });
    } finally {
      clearTimeout(timer);
    }
  }

  #diverted({ message, status, verdict }: DivertedError, call: Call): RemoteError {
    return this.#error(call, message, { status, verdict });
  }

  #error({ task }: Call, state: string, facts: RemoteErrorOptions = {}): RemoteError {
    return new RemoteError(`Cannot ${task} "${this.name}": ${state}`, facts);
  }
}

/** Why no answer came: the innermost words of a fetch error, without the address. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "no connection";
  const words = error.cause instanceof Error ? error.cause.message : error.message;
  const reason = words.replace(/^error sending request( for url \(.*?\))?:? ?/, "");
  return reason === "" || reason.includes("://") ? "no connection" : reason;
}
