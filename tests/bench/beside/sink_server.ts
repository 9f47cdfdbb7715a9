/**
 * A cloud that takes everything and counts it: the other end of a drain. Prints its port, then, for every line
 * on its stdin, how many different rows it has; the line "forget" begins anew. Ends with its stdin.
 * @module
 */
import { print } from "../print.ts";

const ids = new Set<string>();
let received = 0;

const server = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => print(String(port)),
}, async (request) => {
  if (request.method === "POST") {
    for (const { id } of await request.json() as { id: string }[]) {
      ids.add(id);
      received++;
    }
  }
  return new Response(null, { status: 204 });
});
for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  if (line.startsWith("forget")) {
    ids.clear();
    received = 0;
  }
  print(JSON.stringify({ rows: ids.size, received }));
}
await server.shutdown();
