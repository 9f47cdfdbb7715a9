/**
 * The API on a port. What bounds a client that means no good is Deno's: request lines and headers of some 64 KB and
 * 100 fields at most, 400 otherwise; connections are kept alive for as long as the client wants.
 * @module
 */
import type { Api } from "./api.ts";
import { problemOf, problemResponse } from "./respond.ts";
import { inUrl } from "./security.ts";

export interface ServeOptions {
  host: string;
  /** 0 for any that is free. */
  port: number;
  /** Ends the server. */
  signal: AbortSignal;
}

export interface Serving {
  /** `http://127.0.0.1:3841` */
  url: string;
  port: number;
  /** Resolves when the last answer is out, at the latest 2 seconds after the signal. */
  finished: Promise<void>;
}

/** We cannot listen where we were told to. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** How long answers that are under way may take when the server ends. */
const DRAIN_MS = 2_000;

/**
 * Serves the API until the signal aborts.
 * @throws {ListenError} when the port is taken or the address is not ours
 */
export function serve(api: Api, { host, port, signal }: ServeOptions): Serving {
  const abandon = new AbortController();
  const server = listen(api, { host, port, signal: abandon.signal });
  const finished = Promise.all([api.run(signal), server.finished]).then(() => {});
  const end = async () => {
    // `shutdown` waits for open answers, and an event stream never ends by itself.
    api.close();
    const late = setTimeout(() => abandon.abort(), DRAIN_MS);
    await server.shutdown();
    clearTimeout(late);
  };
  if (signal.aborted) void end();
  else signal.addEventListener("abort", () => void end(), { once: true });
  const { port: actual } = server.addr;
  return { url: `http://${reachable(host)}:${actual}`, port: actual, finished };
}

/** A host that a browser on this machine can be pointed to. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "[::1]" : inUrl(host);
}

function listen(api: Api, { host, port, signal }: ServeOptions): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({
      hostname: host,
      port,
      signal,
      onListen: () => {},
      onError: (error) => problemResponse(problemOf(error, "answer a request")),
    }, (request, info) => api.fetch(request, info));
  } catch (error) {
    throw new ListenError(reason(error, { host, port }), { cause: error });
  }
}

function reason(error: unknown, { host, port }: { host: string; port: number }): string {
  const where = `Cannot listen on ${inUrl(host)}:${port}`;
  const other = 'Choose another "api_port" (0 takes any that is free)';
  if (error instanceof Deno.errors.AddrInUse) {
    return `${where}: another program uses port ${port}. Stop it, or: ${other}.`;
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return `${where}: this machine has no such address. Set "api_host" to one it has, such as 127.0.0.1.`;
  }
  if (error instanceof Deno.errors.NotCapable) {
    return `${where}: the agent's permissions do not allow it. ` +
      'Set "api_host" to 127.0.0.1, or build it with --allow-host for that address.';
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `${where}: the system does not let this user have port ${port}. ${other}.`;
  }
  return `${where}: ${error instanceof Error ? error.message : error}.`;
}
