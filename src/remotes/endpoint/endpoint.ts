/**
 * The plain endpoint: rows are POSTed as a JSON array to the user's own address, with a bearer token. Neither the token
 * nor a row's content gets into an error, and the token goes to no other origin.
 * @module
 */
import {
  addressShown,
  type Clock,
  clockOffsetMs,
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
  UnusableAnswerError,
  version,
} from "../../core/mod.ts";
import { readAccepted, readError } from "./answer.ts";

export interface EndpointOptions {
  /** The address; a query stays where it is. */
  url: string;
  /** Sent as `Authorization: Bearer`. */
  token?: string | undefined;
  /** Whether bodies are compressed; ended by the first 415. */
  gzip?: boolean;
  /** Added to the address: `/api/devices/sync-batch`. */
  path?: string;
  /** What is sent of a batch (default: its rows, as an array). */
  envelope?: (batch: OutboxBatch) => unknown;
  fetch?: typeof fetch;
  clock?: Clock;
}

/** A response that names the rows of a batch is far smaller. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MAX_ERROR_BYTES = 8 * 1024;
/** Below this, compressing costs more than it saves. */
const MIN_GZIP_CHARS = 1_024;

/** One call of the remote: its purpose, and the signal that ends it. */
interface Call {
  /** `push 40 heartbeats to`, for messages. */
  task: string;
  signal: AbortSignal;
}

/** @throws {TypeError} when the address is invalid */
export function createEndpoint(options: EndpointOptions): Remote {
  return new Endpoint(options);
}

class Endpoint implements Remote {
  readonly name: string;
  readonly #url: URL;
  readonly #token: string | undefined;
  readonly #envelope: (batch: OutboxBatch) => unknown;
  readonly #request: Outbound;
  readonly #clock: Clock;
  #gzip: boolean;
  /** Whether a page answered the last push. */
  #behindPage = false;

  constructor(options: EndpointOptions) {
    const { url, token, gzip = false, path = "", clock = systemClock } = options;
    this.#url = new URL(url);
    if (path) this.#url.pathname = this.#url.pathname.replace(/\/+$/, "") + path;
    this.name = `endpoint ${addressShown(this.#url)}`;
    this.#token = token;
    this.#gzip = gzip;
    this.#envelope = options.envelope ?? (({ rows }) => rows);
    this.#request = outbound(options.fetch);
    this.#clock = clock;
  }

  async push(batch: OutboxBatch, { signal }: { signal: AbortSignal }): Promise<PushResult> {
    const call = { task: `push ${batch.rows.length} ${batch.table} to`, signal };
    const response = await this.#post(JSON.stringify(this.#envelope(batch)), call);
    if (!response.ok) throw await this.#refused(response, call);
    return await this.#accepted(response, batch, call);
  }

  /** @throws {RemoteError} without a status when something else than the endpoint answers */
  async probe({ signal }: { signal: AbortSignal }): Promise<Probe> {
    const call = { task: "reach", signal };
    const sentAt = this.#clock.now();
    const { ok, headers, body } = await this.#send({ method: "HEAD" }, call);
    await body?.cancel();
    // Probably the same page: HEAD has no body to check.
    const html = /\b(html|xml)\b/i.test(headers.get("content-type") ?? "");
    if (this.#behindPage && ok && html) throw this.#unusable(pageInstead(), call);
    return { clockOffsetMs: clockOffsetMs(headers, { sentAt, receivedAt: this.#clock.now() }) };
  }

  async #post(body: string, call: Call): Promise<Response> {
    const compressed = this.#gzip && body.length >= MIN_GZIP_CHARS;
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
      if (error instanceof UnusableAnswerError) throw this.#unusable(error, call);
      throw this.#error(call, reasonOf(error));
    }
  }

  async #accepted(response: Response, { rows }: OutboxBatch, call: Call): Promise<PushResult> {
    const { status } = response;
    const { text, whole } = await readText(response, MAX_ANSWER_BYTES).catch(() => {
      throw this.#error(call, `its answer broke off after status ${status}`, { status });
    });
    this.#behindPage = isPage(text);
    if (this.#behindPage) throw this.#unusable(pageInstead(), call);
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
    // The status is enough when the body does not come.
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

  #unusable({ message, status, verdict }: UnusableAnswerError, call: Call): RemoteError {
    return this.#error(call, message, { status, verdict });
  }

  /** An aborted call is reported as such, unless an error status had come before. */
  #error({ task, signal }: Call, state: string, facts: RemoteErrorOptions = {}): RemoteError {
    const message = `Cannot ${task} "${this.name}"`;
    if (!signal.aborted || (facts.status ?? 0) >= 300) {
      return new RemoteError(`${message}: ${state}`, facts);
    }
    return signal.reason?.name === "TimeoutError"
      ? new RemoteError(`${message}: no answer in time`, { code: "timeout" })
      : new RemoteError(`${message}: stopped`);
  }
}

async function gzipped(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return await new Response(stream).bytes();
}

/** Why no answer came: the innermost message of a fetch error, without the address. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "no connection";
  const words = error.cause instanceof Error ? error.cause.message : error.message;
  const reason = words.replace(/^error sending request( for url \(.*?\))?:? ?/, "");
  return reason === "" || reason.includes("://") ? "no connection" : reason;
}
