/** Requests of commands to the local API, over HTTP or to an agent opened in this process. @module */
import { dirname, join } from "node:path";
import type { Config } from "../config/mod.ts";
import { parseLossless } from "../core/mod.ts";

export interface AgentClient {
  /** Address of the running agent; `null` when none runs and the database was opened for this command. */
  readonly url: string | null;
  /** @throws {ApiError} */
  get<T>(path: string, query?: Query): Promise<T>;
  /** A list, page by page. @throws {ApiError} */
  pages<T>(path: string, query?: Query): AsyncIterable<T[]>;
  /** An answer that is not JSON. @throws {ApiError} */
  text(path: string, query?: Query): Promise<string>;
  /** @throws {ApiError} */
  post<T>(path: string, body?: unknown): Promise<T>;
  /** @throws {ApiError} */
  patch<T>(path: string, body: unknown): Promise<T>;
  /** @throws {ApiError} */
  delete(path: string): Promise<void>;
  /** @throws {ApiError} */
  put<T>(path: string, body: unknown): Promise<T>;
  /** Sends a file as it is. @throws {ApiError} */
  upload<T>(path: string, file: { bytes: Uint8Array<ArrayBuffer>; type: string }): Promise<T>;
}

export type Query = Readonly<Record<string, string | number | undefined>>;

/** The agent refused a request; the message has its reason. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(readonly status: number, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
  }
}

/** The agent does not answer. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
}

export interface ClientOptions {
  url: string | null;
  /** The address that requests are made to. */
  base: string;
  /** For writes. */
  token: string | null;
  fetch: (request: Request) => Response | Promise<Response>;
}

export function createClient({ url, base, token, fetch }: ClientOptions): AgentClient {
  function send(request: Request): Response | Promise<Response> {
    if (token !== null) request.headers.set("authorization", `Bearer ${token}`);
    // Over HTTP the runtime sets `host`; in process nothing does, and the API requires it.
    if (url === null) request.headers.set("host", new URL(base).host);
    return fetch(request);
  }
  const read = (path: string, query: Query) => new Request(withQuery(`${base}${path}`, query));
  async function write<T>(
    method: string,
    path: string,
    body?: BodyInit,
    type = "application/json",
  ): Promise<T> {
    const content = body === undefined ? {} : { body, headers: { "content-type": type } };
    return await answerOf(await send(new Request(`${base}${path}`, { method, ...content })), base);
  }
  return {
    url,
    get: async (path, query = {}) => answerOf(await send(read(path, query)), base),
    async *pages<T>(path: string, query: Query = {}) {
      let next: string | null = withQuery(path, query);
      while (next !== null) {
        const response = await send(read(next, {}));
        yield await answerOf<T[]>(response, base);
        next = nextOf(response);
      }
    },
    async text(path, query = {}) {
      const response = await send(read(path, query));
      if (!response.ok) await answerOf(response, base);
      // Not `text()`, which leaves a byte order mark out.
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(await response.bytes());
    },
    post: (path, body) => write("POST", path, JSON.stringify(body)),
    patch: (path, body) => write("PATCH", path, JSON.stringify(body)),
    put: (path, body) => write("PUT", path, JSON.stringify(body)),
    delete: (path) => write("DELETE", path),
    upload: (path, { bytes, type }) => write("POST", path, bytes, type),
  };
}

export interface HttpOptions {
  /** The file with the token for writes. */
  tokenPath: string;
  /** Time limit of a read request; a write has none. */
  timeoutMs?: number;
}

/**
 * The agent that listens at an address.
 * @throws {NoAnswerError} when nothing answers there, or something else
 */
export async function connectAgent(
  url: string,
  { tokenPath, timeoutMs = 10_000 }: HttpOptions,
): Promise<AgentClient> {
  const send = async (request: Request): Promise<Response> => {
    const patient = request.method !== "GET";
    try {
      return await fetch(request, patient ? {} : { signal: AbortSignal.timeout(timeoutMs) });
    } catch (error) {
      throw new NoAnswerError(`Cannot reach ClockBlock at ${url}: ${whyNoAnswer(error)}`, {
        cause: error,
      });
    }
  };
  const client = createClient({ url, base: url, token: await readToken(tokenPath), fetch: send });
  await checkIdentity(client);
  return client;
}

/** Where a program of this machine reaches the API, by its configuration. */
export function apiUrlOf({ api_host, api_port }: Pick<Config, "api_host" | "api_port">): string {
  const host = api_host === "0.0.0.0" ? "127.0.0.1" : api_host === "::" ? "::1" : api_host;
  return `http://${host.includes(":") ? `[${host}]` : host}:${api_port}`;
}

/** The file of the token for writes. */
export function tokenPathOf(dbPath: string): string {
  return join(dirname(dbPath), "api-token");
}

/** The token for writes; null when the file is missing or cannot be read. */
export async function readToken(path: string): Promise<string | null> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    // Reads need no token; the agent answers a write without one with a clear problem.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      return null;
    }
    throw error;
  }
}

/** Another program may listen on the port that the agent had. */
async function checkIdentity(client: AgentClient): Promise<void> {
  let status: unknown;
  try {
    status = await client.get<unknown>("/status");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
  const known = typeof status === "object" && status !== null && "device_id" in status &&
    "version" in status;
  if (!known) {
    throw new NoAnswerError(
      `Cannot reach ClockBlock at ${client.url}: something else answers there. Check api_port`,
    );
  }
}

function whyNoAnswer(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return "it does not answer in time. It may be busy: try again, or restart it";
  }
  return "nothing answers there. It may be starting or stopping: try again";
}

/** The answer's body. @throws {ApiError} when it is a refusal */
export async function answerOf<T>(response: Response, base: string): Promise<T> {
  const text = await response.text();
  const isJson = /\bjson\b/.test(response.headers.get("content-type") ?? "");
  let body: unknown;
  try {
    body = isJson && text !== "" ? parseLossless(text) : undefined;
  } catch (error) {
    throw new ApiError(response.status, `Cannot read the answer of ${base}: it is not JSON`, {
      cause: error,
    });
  }
  // The schemas of the API's routes guarantee the type.
  if (response.ok) return body as T;
  const problem = typeof body === "object" && body !== null ? body as Record<string, unknown> : {};
  const title = String(problem["title"] ?? `Status ${response.status}`);
  const detail = problem["detail"] === undefined ? "" : `: ${problem["detail"]}`;
  throw new ApiError(response.status, `${title}${detail}`);
}

/** `Link: </history?before=5>; rel="next"` → `/history?before=5` */
function nextOf(response: Response): string | null {
  const target = /<([^>]*)>;\s*rel="?next"?/.exec(response.headers.get("link") ?? "")?.[1];
  if (target === undefined) return null;
  const { pathname, search } = new URL(target, "http://localhost");
  return pathname + search;
}

/** The URL with its query, without undefined values. */
export function withQuery(url: string, query: Query): string {
  const filled = Object.entries(query)
    .flatMap(([name, value]) => value === undefined ? [] : [[name, String(value)]]);
  return filled.length === 0 ? url : `${url}?${new URLSearchParams(filled)}`;
}
