/**
 * Serves the API until a signal aborts. Deno limits request line and headers to some 64 KB (400 otherwise).
 * @module
 */
import { type Clock, Deadline, errorMessage, systemClock } from "../core/mod.ts";
import type { Api } from "./api.ts";
import { listen, type Listening } from "./listen.ts";
import { problemOf, problemResponse } from "./respond.ts";
import { inUrl } from "./security/security.ts";

export interface ServeOptions {
  host: string;
  /** 0 for any that is free. */
  port: number;
  /** Ends the server. */
  signal: AbortSignal;
  clock?: Clock;
}

export interface Serving {
  /** `http://127.0.0.1:3841` */
  url: string;
  port: number;
  /** Resolves when the last answer is out, at the latest 1.5 seconds after the signal. */
  finished: Promise<void>;
}

/** The configured address cannot be listened on. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** How long answers in progress may take after the signal: the whole agent ends within 2 s. */
const DRAIN_MS = 1_500;

/**
 * Serves the API until the signal aborts.
 * @throws {ListenError} when the port is taken or the address is not ours
 */
export function serve(api: Api, options: ServeOptions): Serving {
  const { host, signal, clock = systemClock } = options;
  const server = listenFor(api, options);
  const finished = Promise.all([api.run(signal), served(server, { api, signal, clock })])
    .then(() => {});
  const { port: actual } = server.addr;
  return { url: `http://${reachable(host)}:${actual}`, port: actual, finished };
}

/**
 * Whether `serve` could listen now; the port is free again afterwards.
 * @throws {ListenError}
 */
export function checkListen({ host, port }: { host: string; port: number }): void {
  try {
    Deno.listen({ hostname: host, port }).close();
  } catch (error) {
    throw new ListenError(reason(error, { host, port }), { cause: error });
  }
}

/** Resolves after the signal, when the last answer is out or `DRAIN_MS` are over. */
async function served(
  server: Listening,
  { api, signal, clock }: { api: Api; signal: AbortSignal; clock: Clock },
): Promise<void> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  // `shutdown` waits for open answers, and an event stream never ends by itself.
  api.close();
  using deadline = new Deadline({ ms: DRAIN_MS, clock });
  await deadline.met(server.shutdown());
  // A caller that still does not read is left to `Deno.exit`: aborting the server after `shutdown` throws in Deno 2.9.
}

/** The host to open on this machine. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "[::1]" : inUrl(host);
}

function listenFor(api: Api, { host, port, clock = systemClock }: ServeOptions): Listening {
  try {
    return listen({
      hostname: host,
      port,
      clock,
      readerOf: api.readerOf,
      handler: (request, info) => api.fetch(request, info),
      onError: (error) => problemResponse(problemOf(error, "answer a request")),
    });
  } catch (error) {
    throw new ListenError(reason(error, { host, port }), { cause: error });
  }
}

function reason(error: unknown, { host, port }: { host: string; port: number }): string {
  const where = `Cannot listen on ${inUrl(host)}:${port}`;
  const other = 'choose another "api_port" (0 takes any that is free)';
  if (error instanceof Deno.errors.AddrInUse) {
    return `${where}: another program uses port ${port}. Stop it, or ${other}.`;
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return `${where}: this machine has no such address. Set "api_host" to one it has, such as 127.0.0.1.`;
  }
  if (error instanceof Deno.errors.NotCapable) {
    return `${where}: the agent's permissions do not allow it. ` +
      'Set "api_host" to 127.0.0.1, or build it with --allow-host for that address.';
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `${where}: the system does not let this user have port ${port}: ${other}.`;
  }
  return `${where}: ${errorMessage(error)}.`;
}
