import assert from "node:assert/strict";
import * as v from "valibot";
import { ListenError, serve, type Serving } from "../../src/api/mod.ts";
import { type Clock, route, sseFrame, SseStream, systemClock } from "../../src/core/mod.ts";
import { TEST_TOKEN, type TestApi, testApi } from "../support/api.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";

const lines = route({
  method: "POST",
  path: "/lines",
  summary: "Reads text",
  tag: "test",
  reads: { "text/plain": v.string() },
  bodyLimit: 100_000,
  answer: v.object({ bytes: v.number() }),
  handle: async ({ text }) => ({ bytes: (await text()).length }),
});

interface Served extends AsyncDisposable {
  test: TestApi;
  serving: Serving;
  stop: () => void;
}

/**
 * @param more.clock what the server's patience goes by when it ends
 */
function served(
  options: Parameters<typeof testApi>[0] = {},
  { host = "127.0.0.1", clock = systemClock }: { host?: string; clock?: Clock } = {},
): Served {
  const test = testApi(options);
  const stopping = new AbortController();
  const { signal } = stopping;
  const serving = serve(test.api, { host, port: 0, signal, clock });
  return {
    test,
    serving,
    stop: () => stopping.abort(),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await serving.finished;
      test[Symbol.dispose]();
    },
  };
}

/** Sends bytes as they are and reads until the first answer is complete, or the server closes. */
async function raw(port: number, text: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(text));
  let answer = "";
  for await (const chunk of connection.readable.pipeThrough(new TextDecoderStream())) {
    answer += chunk;
    const length = /content-length: (\d+)/.exec(answer)?.[1];
    const bodyAt = answer.indexOf("\r\n\r\n") + 4;
    if (bodyAt > 3 && (!length || answer.length >= bodyAt + Number(length))) break;
  }
  return answer;
}

for (
  const [name, request, expected] of [
    ["answers to its own name", "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n", 200],
    [
      "refuses a name that was let point to it",
      "GET /status HTTP/1.1\r\nHost: evil.example\r\n\r\n",
      421,
    ],
    ["refuses a request without a name", "GET /status HTTP/1.1\r\n\r\n", 400],
    ["refuses an empty name", "GET /status HTTP/1.1\r\nHost: \r\n\r\n", 400],
    [
      "goes by the Host header, whatever the request line says",
      "GET http://127.0.0.1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n",
      421,
    ],
    [
      "refuses two names",
      "GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
      400,
    ],
    [
      "takes no write without the token by a path in full",
      "POST http://127.0.0.1/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
      401,
    ],
    ["tidies no path", "GET /x/../status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404],
    ["knows no backslash", "GET /x\\..\\status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404],
    ["survives a path that is no UTF-8", "GET /%ff%fe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404],
    ["answers OPTIONS of everything", "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404],
    [
      "refuses headers without end",
      `GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${"y".repeat(500_000)}\r\n\r\n`,
      400,
    ],
  ] as const
) {
  // Windows throws an answer away when the rest of the request comes after it.
  const ignore = Deno.build.os === "windows" && request.length > 100_000;
  Deno.test(`serve ${name}`, { ignore }, async () => {
    await using server = served({});
    const answer = await raw(server.serving.port, request);
    assert.match(answer, new RegExp(`^HTTP/1.1 ${expected} `));
  });
}

Deno.test(`serve tells HEAD the length that GET has, and sends no body`, async () => {
  await using it = served({});
  const { port } = new URL(it.serving.url);
  const ask = (method: string) =>
    raw(
      Number(port),
      `${method} /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
  const [head, get] = [await ask("HEAD"), await ask("GET")];
  const [, length] = /content-length: (\d+)/.exec(get)!;
  assert.notEqual(length, "0");
  assert.match(head, new RegExp(`content-length: ${length}\r\n`));
  assert.ok(head.endsWith("\r\n\r\n"));
});

Deno.test(`serve gives the page its cookie, and only there`, async () => {
  await using server = served({});
  const page = await fetch(`${server.serving.url}/`);
  await page.body?.cancel();
  assert.match(page.headers.get("set-cookie") ?? "", /^clockblock_\d+=/);
});

const AUTHORIZED = `Host: 127.0.0.1\r\nAuthorization: Bearer ${TEST_TOKEN}\r\n` +
  "Content-Type: text/plain\r\n";

Deno.test(`serve answers 413 before a body that is too long has been sent`, async () => {
  await using server = served({ routes: [lines] });
  const answer = await raw(
    server.serving.port,
    `POST /lines HTTP/1.1\r\n${AUTHORIZED}Content-Length: 2000000\r\n\r\nxxx`,
  );
  assert.match(answer, /^HTTP\/1.1 413 /);
  assert.match(answer, /"limit_bytes":100000/);
});

Deno.test(`serve answers 413 while a body without end is being sent`, async () => {
  await using server = served({ routes: [lines] });
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.serving.port });
  const encoder = new TextEncoder();
  await connection.write(
    encoder.encode(`POST /lines HTTP/1.1\r\n${AUTHORIZED}Transfer-Encoding: chunked\r\n\r\n`),
  );
  const reading = connection.readable.pipeThrough(new TextDecoderStream()).getReader().read();
  let answered = false;
  void reading.then(() => answered = true, () => answered = true);
  const chunk = encoder.encode(`2710\r\n${"x".repeat(10_000)}\r\n`);
  let sent = 0;
  for (; !answered && sent < 10_000; sent++) {
    try {
      await connection.write(chunk);
    } catch {
      break;
    }
  }
  assert.match((await reading).value ?? "", /^HTTP\/1.1 413 /);
  assert.ok(sent < 10_000);
});

Deno.test(`serve takes a body in pieces up to the limit`, async () => {
  await using server = served({ routes: [lines] });
  const response = await fetch(`${server.serving.url}/lines`, {
    method: "POST",
    headers: { authorization: `Bearer ${TEST_TOKEN}`, "content-type": "text/plain" },
    body: ReadableStream.from(["x".repeat(50_000), "x".repeat(50_000)])
      .pipeThrough(new TextEncoderStream()),
  });
  assert.deepEqual(await response.json(), { bytes: 100_000 });
});

Deno.test(`serve ends event streams first when it ends`, async () => {
  // Its patience with answers never runs out: the streams have to end by themselves.
  await using server = served({}, { clock: new FakeClock() });
  const response = await fetch(`${server.serving.url}/stream`);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, "retry: 1000\n\n");
  server.stop();
  await server.serving.finished;
  assert.equal((await reader.read()).done, true);
});

Deno.test(`serve lets an answer that is under way finish`, async () => {
  const asked = Promise.withResolvers<void>();
  const slow = route({
    method: "GET",
    path: "/slow",
    summary: "Takes a while",
    tag: "test",
    answer: v.string(),
    handle: async ({ closing }) => {
      asked.resolve();
      await new Promise((resolve) => closing.addEventListener("abort", resolve));
      return "done";
    },
  });
  await using server = served({ routes: [slow] });
  const answer = fetch(`${server.serving.url}/slow`).then((response) => response.json());
  await asked.promise;
  server.stop();
  assert.equal(await answer, "done");
  await server.serving.finished;
});

Deno.test(`serve waits a second and a half at most for an answer that does not come`, async () => {
  const asked = Promise.withResolvers<void>();
  const stuck = route({
    method: "GET",
    path: "/stuck",
    summary: "Never answers",
    tag: "test",
    handle: () => {
      asked.resolve();
      return new Promise<undefined>(() => {});
    },
  });
  const clock = new FakeClock();
  await using server = served({ routes: [stuck] }, { clock });
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.serving.port });
  await connection.write(
    new TextEncoder().encode("GET /stuck HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  );
  await asked.promise;
  let finished = false;
  const ending = server.serving.finished.then(() => finished = true);
  server.stop();
  await clock.advance(1_499);
  assert.equal(finished, false);
  await clock.advance(1);
  await ending;
});

Deno.test(`serve cuts a client that does not read its event stream`, async () => {
  const ended = Promise.withResolvers<string>();
  const flood = route({
    method: "GET",
    path: "/flood",
    summary: "More than anyone reads",
    tag: "test",
    mediaType: "text/event-stream",
    handle: ({ closing }) => {
      const stream = new SseStream({
        signal: closing,
        bufferBytes: 100_000,
        onEnd: (end) => ended.resolve(end),
      });
      const frame = sseFrame({ data: "x".repeat(10_000) });
      const fill = () => {
        for (let n = 0; n < 5; n++) stream.send(frame);
        if (stream.open) setTimeout(fill, 0);
      };
      fill();
      return stream.response;
    },
  });
  await using server = served({ routes: [flood] });
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.serving.port });
  await connection.write(
    new TextEncoder().encode("GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  );
  assert.equal(await ended.promise, "slow");
});

Deno.test("serve says which port is taken and what to do", async () => {
  await using server = served();
  using test = testApi();
  const { port } = server.serving;
  assert.throws(
    () => serve(test.api, { host: "127.0.0.1", port, signal: AbortSignal.abort() }),
    (error) => {
      assert.ok(error instanceof ListenError);
      assert.equal(
        error.message,
        `Cannot listen on 127.0.0.1:${port}: another program uses port ${port}. ` +
          'Stop it, or choose another "api_port" (0 takes any that is free).',
      );
      return true;
    },
  );
});

Deno.test("serve says that an address is not this machine's", () => {
  using test = testApi();
  assert.throws(
    () => serve(test.api, { host: "192.0.2.1", port: 0, signal: AbortSignal.abort() }),
    (error) => error instanceof ListenError && error.message.includes('Set "api_host"'),
  );
});

Deno.test("serve listens on IPv6 and says so as a URL does", async () => {
  await using server = served({ host: "::1" }, { host: "::1" });
  assert.equal(server.serving.url, `http://[::1]:${server.serving.port}`);
  const response = await fetch(`${server.serving.url}/healthz`);
  assert.equal((await response.json()).status, "ok");
});
