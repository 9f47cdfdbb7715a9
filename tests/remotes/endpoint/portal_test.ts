/**
 * What stands between an agent and its endpoint, and answers in its place: the sign-in pages of networks, and servers
 * that answer with more than was asked for.
 * @module
 */
import assert from "node:assert/strict";
import { type OutboxBatch, RemoteError } from "../../../src/core/mod.ts";
import { createEndpoint } from "../../../src/remotes/endpoint/mod.ts";

const { signal } = new AbortController();

const batch: OutboxBatch = {
  stream: "playtime",
  table: "heartbeats",
  operation: "insert",
  rows: [{ id: "a" }, { id: "b" }],
};

interface Portal extends AsyncDisposable {
  url: string;
  /** What it answers. */
  answer: (request: Request) => Response;
}

function portal(answer: (request: Request) => Response): Portal {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    await request.body?.cancel();
    return the.answer(request);
  });
  const the: Portal = {
    url: `http://127.0.0.1:${server.addr.port}/in`,
    answer,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
  return the;
}

const PAGE = "<!-- portal --><script>location = '/login'</script>";
const html = { "content-type": "text/html" };

for (const [scheme, url] of [["http", undefined], ["https", "https://cloud.example/in"]] as const) {
  Deno.test(`Endpoint at ${scheme} accepts nothing by a page, and says what it is`, async () => {
    await using server = portal(() => new Response(PAGE, { headers: html }));
    const remote = url === undefined
      ? createEndpoint({ url: server.url })
      : createEndpoint({ url, fetch: (_, init) => fetch(server.url, init) });
    const error = await failureOf(remote.push(batch, { signal }));
    assert.match(error.message, /^Cannot push 2 heartbeats to ".*": a web page answered/);
    // Nothing is known of the endpoint itself.
    assert.equal(error.status, undefined);
    server.answer = () => new Response("ok", { headers: html });
    assert.deepEqual((await remote.push(batch, { signal })).accepted, ["a", "b"]);
  });
}

Deno.test("Endpoint is not reached while a page answers in its place, and is afterwards", async () => {
  await using server = portal(({ method }) =>
    new Response(method === "HEAD" ? null : PAGE, { headers: html })
  );
  const remote = createEndpoint({ url: server.url });
  await failureOf(remote.push(batch, { signal }));
  const error = await failureOf(remote.probe({ signal }));
  assert.match(error.message, /a web page answered/);
  assert.equal(error.status, undefined);
  // The endpoint itself: it knows no HEAD, as Express says it.
  server.answer = () => new Response(null, { status: 404, headers: html });
  await remote.probe({ signal });
  server.answer = () => new Response(null, { headers: html });
  await failureOf(remote.probe({ signal }));
  server.answer = () => new Response("ok", { headers: html });
  await remote.push(batch, { signal });
  await remote.probe({ signal });
});

Deno.test("Endpoint is not reached by a probe that is redirected to another origin", async () => {
  await using server = portal(() => Response.redirect("http://portal.example/login?key=secret"));
  const error = await failureOf(createEndpoint({ url: server.url }).probe({ signal }));
  assert.match(error.message, /it redirects to http:\/\/portal\.example\/login$/);
  assert.equal(error.verdict?.action, "pause");
});

for (const status of [400, 409, 413, 422]) {
  Deno.test(`Endpoint refuses no row by a page of status ${status}`, async () => {
    await using server = portal(() => new Response(PAGE, { status, headers: html }));
    const remote = createEndpoint({ url: server.url });
    const error = await failureOf(remote.push(batch, { signal }));
    assert.deepEqual([error.status, error.verdict?.alone], [status, "hold"]);
    server.answer = () => Response.json({ message: "no" }, { status });
    assert.equal((await failureOf(remote.push(batch, { signal }))).verdict, undefined);
  });
}

for (const status of [401, 403, 404, 429, 500, 503, 504]) {
  Deno.test(`Endpoint leaves status ${status} its meaning when it comes with a page`, async () => {
    await using server = portal(() => new Response(PAGE, { status, headers: html }));
    const error = await failureOf(createEndpoint({ url: server.url }).push(batch, { signal }));
    assert.deepEqual([error.status, error.verdict], [status, undefined]);
  });
}

const ACCEPTING: readonly (readonly [string, () => Response])[] = [
  ["204", () => new Response(null, { status: 204 })],
  ["nothing as text/html", () => new Response("", { headers: html })],
  ["ok as text/html", () => new Response("ok\n", { headers: html })],
  ["ok as text/plain", () => new Response("ok")],
  ["JSON as text/html", () => new Response(`{"ok":true}`, { headers: html })],
  ["JSON that quotes a page", () => Response.json({ received: "<html><body>" })],
  ["null", () => Response.json(null)],
];

for (const [what, answer] of ACCEPTING) {
  Deno.test(`Endpoint accepts all rows by ${what}`, async () => {
    await using server = portal(answer);
    const { accepted } = await createEndpoint({ url: server.url }).push(batch, { signal });
    assert.deepEqual(accepted, ["a", "b"]);
  });
}

const LONG: readonly (readonly [string, string])[] = [
  ["text", "x"],
  ["a list that would accept all", `{"accepted":["a","b"],"rejected":[]} `],
];

for (const [what, beginning] of LONG) {
  Deno.test(`Endpoint accepts nothing by more than 4 MiB of ${what}, and stops reading`, async () => {
    const mib = new Uint8Array(1024 * 1024).fill(0x20);
    let sent = 0;
    await using server = portal(() =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode(beginning)),
          pull(controller) {
            if (++sent > 64) controller.close();
            else controller.enqueue(mib);
          },
        }, { highWaterMark: 0 }),
      )
    );
    const error = await failureOf(createEndpoint({ url: server.url }).push(batch, { signal }));
    assert.match(error.message, /its answer is longer than 4 MiB/);
    assert.equal(error.status, 200);
    assert.ok(sent < 32, `${sent} MiB were sent`);
  });
}

Deno.test("Endpoint accepts nothing by text that is shorter than its content-length", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using conn = await listener.accept();
    await conn.read(new Uint8Array(64 * 1024));
    await conn.write(
      new TextEncoder().encode("HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\nok"),
    );
  })();
  const remote = createEndpoint({ url: `http://127.0.0.1:${listener.addr.port}/in` });
  const error = await failureOf(remote.push(batch, { signal }));
  assert.match(error.message, /its answer broke off after status 200/);
  await serving;
});

async function failureOf(call: Promise<unknown>): Promise<RemoteError> {
  const error = await call.then(() => assert.fail("it was accepted"), (reason) => reason);
  assert.ok(error instanceof RemoteError, String(error));
  assert.ok(!error.message.includes("secret"));
  return error;
}
