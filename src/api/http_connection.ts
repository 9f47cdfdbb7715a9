/**
 * HTTP on one connection that was accepted elsewhere. `Deno.serve` has its port and its connections for itself:
 * how many there are and how long they say nothing is up to their clients, and it ends for good at the first
 * "Too many open files". The runtime's server for a single connection, on which its node:http stood, is not
 * in its public interface; a runtime that has it no more is told by `null`.
 * @module
 */

export type Handler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.NetAddr>,
) => Response | Promise<Response>;

/** As `Deno.serve`, for one connection. */
export type ServeConnection = (
  connection: Deno.TcpConn,
  /** Cuts the connection off. */
  signal: AbortSignal,
  handler: Handler,
  onError: (error: unknown) => Response,
  onListen: () => void,
) => Deno.HttpServer<Deno.NetAddr>;

/**
 * What cuts a connection off. The runtime's own listener throws where the connection has ended by itself and that is
 * not known here yet: an error in a listener is nobody's to catch, and would be the end of the agent.
 */
export function cutter(): AbortController {
  const cut = new AbortController();
  const { signal } = cut;
  const listen = signal.addEventListener.bind(signal) as EventTarget["addEventListener"];
  signal.addEventListener = (type: string, listener: unknown, options?: AddEventListenerOptions) =>
    listen(type, (event) => {
      try {
        // The runtime's, which is a function.
        (listener as (event: Event) => void)(event);
      } catch (error) {
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    }, options);
  return cut;
}

/** Serves one connection; null where the runtime cannot. */
export const serveConnection: ServeConnection | null = internal("serveHttpOnConnection");

function internal(name: string): ServeConnection | null {
  // Not in the types: `Deno.internal` is the symbol under which the runtime's own modules meet.
  const { internal: symbol } = Deno as unknown as { internal: symbol };
  const internals =
    (Deno as unknown as Record<symbol, Record<string, unknown> | undefined>)[symbol];
  const found = internals?.[name];
  return typeof found === "function" ? found as ServeConnection : null;
}
