import assert from "node:assert/strict";
import { ApiError, connectAgent, NoAnswerError } from "../../src/cli/client.ts";
import { tempDir } from "../support/temp.ts";

const status = { device_id: "d", version: "0.1.0" };

/** A server that answers `/status` as ClockBlock does, and the rest as told. */
function server(
  handle: (request: Request) => Response | Promise<Response>,
): { url: string } & AsyncDisposable {
  const listening = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => request.url.endsWith("/status") ? Response.json(status) : handle(request),
  );
  return {
    url: `http://127.0.0.1:${listening.addr.port}`,
    [Symbol.asyncDispose]: () => listening.shutdown(),
  };
}

const noToken = { tokenPath: "/nowhere/api-token" };

Deno.test("connectAgent asks and tells, with the token from its file", async () => {
  using dir = tempDir();
  const tokenPath = `${dir.path}/api-token`;
  Deno.writeTextFileSync(tokenPath, "secret-token\n");
  await using there = server(async (request) =>
    Response.json({
      method: request.method,
      query: new URL(request.url).search,
      token: request.headers.get("authorization"),
      body: await request.text(),
    })
  );
  const client = await connectAgent(there.url, { tokenPath });
  assert.equal(client.url, there.url);
  assert.deepEqual(await client.get("/daily", { date: "2026-03-02", tz: undefined }), {
    method: "GET",
    query: "?date=2026-03-02",
    token: "Bearer secret-token",
    body: "",
  });
  const told = await client.post<{ method: string; body: string }>("/sync/now", { stream: "x" });
  assert.equal(told.method, "POST");
  assert.equal(told.body, '{"stream":"x"}');
});

Deno.test("connectAgent turns a problem document into one line", async () => {
  await using there = server(() =>
    Response.json({ title: "Invalid request", detail: 'query parameter "limit": too large' }, {
      status: 400,
      headers: { "content-type": "application/problem+json" },
    })
  );
  const client = await connectAgent(there.url, noToken);
  await assert.rejects(client.get("/history"), (error) => {
    assert(error instanceof ApiError);
    assert.equal(error.status, 400);
    assert.equal(error.message, 'Invalid request: query parameter "limit": too large');
    return true;
  });
});

Deno.test("connectAgent says when another program answers", async () => {
  const strangers = [
    () => new Response("<html>hello</html>", { headers: { "content-type": "text/html" } }),
    () => new Response("not found", { status: 404 }),
    () => Response.json({ ok: true }),
    () => new Response("{", { headers: { "content-type": "application/json" } }),
  ];
  for (const handler of strangers) {
    const listening = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
    try {
      await assert.rejects(
        connectAgent(`http://127.0.0.1:${listening.addr.port}`, noToken),
        (error) =>
          error instanceof NoAnswerError && /something else answers there\. Check api_port$/
            .test(error.message),
      );
    } finally {
      await listening.shutdown();
    }
  }
});

Deno.test("connectAgent says when nothing answers", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  await assert.rejects(
    connectAgent(`http://127.0.0.1:${port}`, noToken),
    /^NoAnswerError: Cannot reach ClockBlock at http:\/\/127\.0\.0\.1:\d+: nothing answers there/,
  );
});

Deno.test("connectAgent does not wait for ever", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  try {
    await assert.rejects(
      connectAgent(`http://127.0.0.1:${listener.addr.port}`, { ...noToken, timeoutMs: 50 }),
      /it does not answer in time/,
    );
  } finally {
    listener.close();
  }
});
