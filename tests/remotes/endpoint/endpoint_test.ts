import assert from "node:assert/strict";
import type { OutboxBatch, RemoteError } from "../../../src/core/mod.ts";
import { createEndpoint } from "../../../src/remotes/endpoint/mod.ts";
import { FaultyServer } from "../../support/servers/faulty_server.ts";

const { signal } = new AbortController();

Deno.test("Endpoint posts a JSON array of rows with its token", async () => {
  await using server = await FaultyServer.start();
  const remote = createEndpoint({ url: server.url, token: "t0ken" });
  await remote.push(batch(2), { signal });
  const [post] = server.posts;
  assert.equal(post?.headers["content-type"], "application/json");
  assert.equal(post?.headers.authorization, "Bearer t0ken");
  assert.match(String(post?.headers["user-agent"]), /^clockblock\/\d/);
  assert.deepEqual([...server.rows.values()], batch(2).rows);
});

Deno.test("Endpoint sends no authorization without a token", async () => {
  await using server = await FaultyServer.start();
  await createEndpoint({ url: server.url }).push(batch(1), { signal });
  assert.equal(server.posts[0]?.headers.authorization, undefined);
});

Deno.test("Endpoint adds its path and keeps the query", async () => {
  await using server = await FaultyServer.start();
  const url = `http://127.0.0.1:${server.port}/tenant/?v=2`;
  const remote = createEndpoint({ url, path: "/api/devices/sync-batch" });
  await remote.push(batch(1), { signal });
  assert.equal(server.posts[0]?.path, "/tenant/api/devices/sync-batch?v=2");
  assert.equal(
    remote.name,
    `endpoint http://127.0.0.1:${server.port}/tenant/api/devices/sync-batch`,
  );
});

Deno.test("Endpoint sends what its envelope makes of a batch", async () => {
  await using server = await FaultyServer.start();
  const remote = createEndpoint({
    url: server.url,
    envelope: ({ rows }) => ({ device: "pc-1", logs: rows }),
  });
  const { accepted } = await remote.push(batch(2), { signal });
  assert.deepEqual(accepted, ["r1", "r2"]);
});

Deno.test("Endpoint compresses larger bodies when it is told to", async () => {
  await using server = await FaultyServer.start();
  const remote = createEndpoint({ url: server.url, gzip: true });
  await remote.push(batch(1), { signal });
  await remote.push(batch(100), { signal });
  const [small, large] = server.posts;
  assert.equal(small?.headers["content-encoding"], undefined);
  assert.equal(large?.headers["content-encoding"], "gzip");
  assert.ok(large!.bytes < JSON.stringify(batch(100).rows).length / 4);
  assert.equal(server.rows.size, 100);
});

Deno.test("Endpoint sends plain bodies, and stays with them, where gzip is not taken", async () => {
  await using server = await FaultyServer.start();
  server.takesGzip = false;
  const remote = createEndpoint({ url: server.url, gzip: true });
  await remote.push(batch(100), { signal });
  await remote.push(batch(100), { signal });
  assert.deepEqual(server.posts.map(({ headers }) => headers["content-encoding"]), [
    "gzip",
    undefined,
    undefined,
  ]);
  assert.equal(server.rows.size, 100);
});

Deno.test("Endpoint accepts all rows by a 204", async () => {
  await using server = await FaultyServer.start();
  server.names = false;
  const result = await createEndpoint({ url: server.url }).push(batch(3), { signal });
  assert.deepEqual(result.accepted, ["r1", "r2", "r3"]);
});

Deno.test("Endpoint accepts all rows by a 2xx that is no JSON", async () => {
  await using server = await FaultyServer.start();
  server.faults.push({ kind: "answer", status: 202, body: "Thank you" });
  const result = await createEndpoint({ url: server.url }).push(batch(3), { signal });
  assert.equal(result.accepted.length, 3);
});

Deno.test("Endpoint accepts nothing by an answer that broke off", async () => {
  await using server = await FaultyServer.start();
  server.faults.push({ kind: "half-written" }, { kind: "answer", body: '{"accepted":["r1"' });
  const remote = createEndpoint({ url: server.url });
  for (const words of [/broke off/, /no whole JSON/]) {
    const error = await failureOf(remote.push(batch(3), { signal }));
    assert.match(error.message, words);
    assert.equal(error.status, 200);
  }
});

Deno.test("Endpoint follows a redirect within its origin with the same request", async () => {
  await using server = await FaultyServer.start();
  server.faults.push({ kind: "status", status: 307, headers: { location: "/elsewhere" } });
  const remote = createEndpoint({ url: server.url, token: "t0ken" });
  const { accepted } = await remote.push(batch(2), { signal });
  assert.deepEqual(accepted, ["r1", "r2"]);
  assert.equal(server.posts[1]?.path, "/elsewhere");
  assert.equal(server.posts[1]?.headers.authorization, "Bearer t0ken");
});

Deno.test("Endpoint takes its token to no other origin", async () => {
  await using server = await FaultyServer.start();
  await using other = await FaultyServer.start();
  server.faults.push({
    kind: "status",
    status: 308,
    headers: { location: `${other.url}?k=secret` },
  });
  const remote = createEndpoint({ url: server.url, token: "t0ken" });
  const error = await failureOf(remote.push(batch(1), { signal }));
  assert.equal(error.status, 308);
  assert.ok(error.message.includes(`redirects to ${other.url}`));
  assert.ok(!error.message.includes("secret"));
  assert.equal(other.requests.length, 0);
});

for (const [status, location] of [[302, "/login"], [301, "/"], [307, "http://[bad"]] as const) {
  Deno.test(`Endpoint does not follow a ${status} to ${location}`, async () => {
    await using server = await FaultyServer.start();
    server.faults.push({ kind: "status", status, headers: { location } });
    const error = await failureOf(createEndpoint({ url: server.url }).push(batch(1), { signal }));
    assert.equal(error.status, status);
    assert.equal(server.posts.length, 1);
  });
}

Deno.test("Endpoint ends a circle of redirects", async () => {
  await using server = await FaultyServer.start();
  server.nextFault = () => ({ kind: "status", status: 307, headers: { location: "/round" } });
  const error = await failureOf(createEndpoint({ url: server.url }).push(batch(1), { signal }));
  assert.equal(error.status, 307);
  assert.ok(server.posts.length < 10);
});

Deno.test("Endpoint reads no more of an error's body than it needs, and no token of it", async () => {
  await using server = await FaultyServer.start();
  server.faults.push(
    { kind: "status", status: 400, body: { message: `bad token t0ken ${"x".repeat(5_000)}` } },
    { kind: "status", status: 500, body: { message: "x".repeat(5_000_000) } },
  );
  const remote = createEndpoint({ url: server.url, token: "t0ken" });
  const first = await failureOf(remote.push(batch(1), { signal }));
  assert.ok(first.detail?.startsWith("bad token token"));
  assert.ok(first.detail!.length <= 501);
  const second = await failureOf(remote.push(batch(1), { signal }));
  assert.equal(second.status, 500);
});

Deno.test("Endpoint tells the refusal of a connection in words", async () => {
  const server = await FaultyServer.start();
  const { url } = server;
  await server.close();
  const error = await failureOf(createEndpoint({ url }).push(batch(40), { signal }));
  assert.match(
    error.message,
    /^Cannot push 40 heartbeats to "endpoint http:.*": .*(refused|connect)/i,
  );
});

Deno.test("Endpoint refuses an address that is none", () => {
  assert.throws(() => createEndpoint({ url: "not an address" }), TypeError);
});

Deno.test("Endpoint probes without its token and without storing anything", async () => {
  await using server = await FaultyServer.start();
  await createEndpoint({ url: server.url, token: "t0ken" }).probe({ signal });
  assert.equal(server.requests[0]?.method, "HEAD");
  assert.equal(server.requests[0]?.headers.authorization, undefined);
  assert.equal(server.rows.size, 0);
});

Deno.test("Endpoint is reached whatever the status of the probe", async () => {
  const statuses = [404, 405, 500, 301];
  for (const status of statuses) {
    const remote = createEndpoint({
      url: "https://example.com",
      fetch: () => Promise.resolve(new Response(null, { status, headers: { date: "x" } })),
    });
    assert.deepEqual(await remote.probe({ signal }), { clockOffsetMs: null });
  }
});

function batch(count: number): OutboxBatch {
  const rows = Array.from({ length: count }, (_, n) => ({
    id: `r${n + 1}`,
    timestamp_utc: "2026-03-02T12:00:00.000Z",
    is_playing: true,
  }));
  return { stream: "playtime", table: "heartbeats", operation: "insert", rows };
}

async function failureOf(call: Promise<unknown>): Promise<RemoteError> {
  return await call.then(
    () => assert.fail("it was accepted"),
    (error: RemoteError) => error,
  );
}
