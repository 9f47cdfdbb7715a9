/**
 * An agent's event log and the cloud's copy of it, each a real server that can go away and come back: what a
 * client sees of them, and nothing behind it.
 * @module
 */
import type { LocalEvent } from "../../../../src/client/mod.ts";

export interface EventServer extends AsyncDisposable {
  readonly url: string;
  readonly events: LocalEvent[];
  lastFlush: string | null;
  /** Requests so far, path and query. */
  readonly asked: string[];
  /** What is asked from now on is never answered, and what is open stays silent. */
  hang: boolean;
  /** Streams are held back, as some proxies and virus scanners do: nothing of them arrives. */
  holdsStreams: boolean;
  add(...events: readonly LocalEvent[]): void;
  stop(): Promise<void>;
  /** Comes back at the same address. */
  start(): Promise<void>;
}

export function sampleEvent(seq: number, fields: Partial<LocalEvent> = {}): LocalEvent {
  return {
    id: `e-${seq}`,
    mode: "live",
    ts: "2026-03-02T12:00:00.000Z",
    seq,
    source: "bot",
    type: "ORDER",
    subtype: "NOTE",
    symbol: null,
    severity: "info",
    body: `event ${seq}`,
    meta: {},
    idempotency_key: `k-${seq}`,
    ...fields,
  };
}

/** `/local/state`, `/local/events` and `/local/stream`, as the agent answers them. */
export function agentLog(): Promise<EventServer> {
  const streams = new Set<
    { since: number; send(events: readonly LocalEvent[]): void; end(): void }
  >();
  return serve((url, server) => {
    if (url.pathname === "/local/state") {
      const last_seq = server.events.at(-1)?.seq ?? 0;
      return Response.json({ health: { last_flush_ts: server.lastFlush }, last_seq });
    }
    if (url.pathname === "/local/events") {
      const since = Number(url.searchParams.get("since_seq"));
      const limit = Number(url.searchParams.get("limit"));
      return Response.json(server.events.filter(({ seq }) => seq > since).slice(0, limit));
    }
    if (url.pathname !== "/local/stream") return new Response(null, { status: 404 });
    const since = Number(url.searchParams.get("since_seq"));
    const encoder = new TextEncoder();
    let follower: typeof streams extends Set<infer T> ? T : never;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        if (server.holdsStreams) return;
        controller.enqueue(encoder.encode("retry: 1000\n\n"));
        follower = {
          since,
          send: (events) =>
            controller.enqueue(
              encoder.encode(
                events.map((event) => `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`).join(
                  "",
                ),
              ),
            ),
          end: () => controller.close(),
        };
        streams.add(follower);
        const missed = server.events.filter(({ seq }) => seq > since);
        if (missed.length > 0) follower.send(missed);
      },
      cancel: () => void streams.delete(follower),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }, {
    added: (events) => streams.forEach((stream) => stream.send(events)),
    stopped: () => {
      for (const stream of streams) stream.end();
      streams.clear();
    },
  });
}

/** `zoe_events` and `zoe_health`, as PostgREST answers what the client asks. */
export function cloudCopy({ cors = false }: { cors?: boolean } = {}): Promise<EventServer> {
  return serve((url, server) => {
    if (url.pathname === "/rest/v1/zoe_health") {
      return Response.json(server.lastFlush ? [{ last_flush_ts: server.lastFlush }] : []);
    }
    const asked = url.searchParams.get("or") ?? url.searchParams.get("seq") ?? "gt.0";
    const after = Number(/gt\.(\d+)/.exec(asked)?.[1]);
    const ranges = [...asked.matchAll(/and\(seq\.gte\.(\d+),seq\.lte\.(\d+)\)/g)];
    const rows = server.events.filter(({ seq }) =>
      seq > after || ranges.some(([, from, to]) => seq >= Number(from) && seq <= Number(to))
    );
    if (url.searchParams.get("order") === "seq.desc") rows.reverse();
    return Response.json(rows.slice(0, Number(url.searchParams.get("limit"))));
  }, { cors });
}

async function serve(
  answer: (url: URL, server: EventServer) => Response,
  { added = () => {}, stopped = () => {}, cors = false }: {
    added?: (events: readonly LocalEvent[]) => void;
    stopped?: () => void;
    /** Whether web pages of any origin may ask, as Supabase lets them. */
    cors?: boolean;
  } = {},
): Promise<EventServer> {
  let running: Deno.HttpServer<Deno.NetAddr> | undefined;
  let abort = new AbortController();
  let port = 0;
  const waiting = new Set<() => void>();
  const server: EventServer = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    events: [],
    lastFlush: null,
    asked: [],
    hang: false,
    holdsStreams: false,
    add(...events) {
      server.events.push(...events);
      if (!server.hang) added(events);
    },
    async stop() {
      stopped();
      for (const end of waiting) end();
      abort.abort();
      await running?.finished;
      running = undefined;
    },
    async start() {
      abort = new AbortController();
      const up = Promise.withResolvers<void>();
      running = Deno.serve({
        hostname: "127.0.0.1",
        port,
        signal: abort.signal,
        onListen: (address) => {
          port = address.port;
          up.resolve();
        },
      }, async (request) => {
        const url = new URL(request.url);
        server.asked.push(`${url.pathname}${url.search}`);
        if (server.hang) {
          await new Promise<void>((resolve) => waiting.add(resolve));
          return new Response(null, { status: 503 });
        }
        const response = request.method === "OPTIONS" ? new Response() : answer(url, server);
        if (cors) {
          response.headers.set("access-control-allow-origin", "*");
          response.headers.set("access-control-allow-headers", "*, authorization, apikey");
        }
        return response;
      });
      await up.promise;
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
  await server.start();
  return server;
}
