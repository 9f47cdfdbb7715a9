/**
 * The event log as a plain prototype: a bare handler that parses one event, stores it in a transaction of its own
 * and sends it to all who follow. Prints its port; ends with its stdin. Argument: the database to make.
 * @module
 */
import { print } from "../print.ts";
import { openRawEvents, rawEventRow } from "./raw_events.ts";

const { db, insert } = openRawEvents(Deno.args[0]!);
const encoder = new TextEncoder();
const followers = new Set<ReadableStreamDefaultController<Uint8Array>>();
let seq = 0;

const server = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => print(String(port)),
}, async (request) => {
  if (request.method === "GET") return follow();
  const event: Record<string, unknown> = {
    ts: new Date().toISOString(),
    symbol: null,
    severity: "info",
    idempotency_key: crypto.randomUUID(),
    ...await request.json(),
  };
  const row = rawEventRow(event, ++seq);
  insert.run(...row);
  const id = row[0];
  const frame = encoder.encode(
    `id: ${seq}\ndata: ${JSON.stringify({ id, seq, ...event })}\n\n`,
  );
  for (const follower of followers) follower.enqueue(frame);
  const { idempotency_key } = event;
  return Response.json({ accepted: [{ id, seq, idempotency_key, duplicate: false }] });
});
for await (const _ of Deno.stdin.readable);
await server.shutdown();
db.close();

function follow(): Response {
  let follower: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      follower = controller;
      followers.add(controller);
      // Something at once: the answer's head leaves with it.
      controller.enqueue(encoder.encode("retry: 1000\n\n"));
    },
    cancel: () => void followers.delete(follower),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
