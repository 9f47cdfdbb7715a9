import assert from "node:assert/strict";
import { isPage, outbound, readText, UnusableAnswerError } from "../../../src/core/mod.ts";

/** What one request came with. */
interface Seen {
  path: string;
  method: string;
  body: string;
  authorization: string | null;
}

interface Server extends AsyncDisposable {
  origin: string;
  seen: Seen[];
}

function serve(answer: (request: Request) => Response): Server {
  const seen: Seen[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      seen.push({
        path: pathname + search,
        method: request.method,
        body: await request.text(),
        authorization: request.headers.get("authorization"),
      });
      return answer(request);
    },
  );
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    seen,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function redirecting(status: number, to: string): (request: Request) => Response {
  return ({ url }) =>
    new URL(url).pathname === "/there"
      ? new Response("there")
      : new Response(null, { status, headers: { location: to } });
}

const headers = { authorization: "Bearer t0ken" };

for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]) {
  for (const status of [300, 301, 302, 303, 307, 308]) {
    Deno.test(`outbound sends no ${method} to another origin that a ${status} names`, async () => {
      await using other = serve(() => new Response("stolen"));
      await using server = serve(redirecting(status, `${other.origin}/there?session=secret`));
      const error = await failureOf(outbound()(`${server.origin}/in`, { method, headers }));
      assert.ok(error instanceof UnusableAnswerError);
      assert.equal(error.message, `it redirects to ${other.origin}/there`);
      assert.equal(error.status, status);
      assert.equal(error.verdict.action, "pause");
      assert.match(error.verdict.advice ?? "", /the address redirects elsewhere/);
      assert.deepEqual(other.seen, []);
    });

    const reads = method === "GET" || method === "HEAD";
    const follows = reads || status === 307 || status === 308;
    Deno.test(`outbound ${follows ? "repeats" : "refuses to repeat"} a ${method} after a ${status} within the origin`, async () => {
      await using server = serve(redirecting(status, "/there"));
      const body = reads ? null : "rows";
      const call = outbound()(`${server.origin}/in`, { method, headers, body });
      if (!follows) return void assert.equal((await failureOf(call)).status, status);
      const response = await call;
      assert.equal(response.status, 200);
      await response.body?.cancel();
      assert.deepEqual(
        server.seen,
        ["/in", "/there"].map((path) => ({
          path,
          method,
          body: body ?? "",
          authorization: "Bearer t0ken",
        })),
      );
    });
  }
}

Deno.test("outbound shows no name, password or query of where a redirect leads", async () => {
  await using server = serve(
    redirecting(302, "https://user:secret@portal.example/login?key=secret"),
  );
  const error = await failureOf(outbound()(server.origin));
  assert.equal(error.message, "it redirects to https://portal.example/login");
});

Deno.test("outbound leaves https for no http of the same host, nor for another port", async () => {
  for (const to of ["http://cloud.example/in", "https://cloud.example:8443/in"]) {
    const request = outbound(() =>
      Promise.resolve(new Response(null, { status: 308, headers: { location: to } }))
    );
    const error = await failureOf(request("https://cloud.example/in", { method: "POST" }));
    assert.equal(error.message, `it redirects to ${to}`);
  }
});

Deno.test("outbound ends a circle of redirects", async () => {
  await using server = serve(redirecting(307, "/round"));
  const error = await failureOf(outbound()(server.origin, { method: "POST" }));
  assert.equal(error.status, 307);
  assert.equal(server.seen.length, 4);
});

Deno.test("outbound takes a 511 for the network's page", async () => {
  await using server = serve(() => new Response("sign in", { status: 511 }));
  const error = await failureOf(outbound()(server.origin));
  assert.match(error.message, /a web page answered/);
  assert.equal(error.status, undefined);
});

const PAGES: readonly (readonly [string, string | Uint8Array<ArrayBuffer>, string?])[] = [
  ["a document type", "\n <!DOCTYPE html><p>Welcome"],
  ["html", "<html>"],
  ["a comment", "<!-- portal --><p>Welcome"],
  ["a head", "<head><title>Welcome</title>"],
  ["a script", "<SCRIPT>location='/login'</SCRIPT>"],
  ["a script after text", "One moment … <script src=x></script>"],
  ["a form after much text", `${"Welcome ".repeat(400)}<form action=/login>`],
  ["a meta refresh", `Wait <meta http-equiv="refresh" content="0;url=/login">`],
  ["WISPr", `<?xml version="1.0"?><WISPAccessGatewayParam/>`],
  ["a byte order mark", "\uFEFF<html>"],
  ["UTF-16 LE", utf16("<html><body>Hi", { mark: true })],
  ["UTF-16 BE", utf16("<html><body>Hi", { mark: true, big: true })],
  ["UTF-16 that the header declares", utf16("Hi <body>"), "text/html; charset=utf-16le"],
  [
    "UTF-16 BE that the header declares",
    utf16("Hi <body>", { big: true }),
    "text/html;charset=UTF-16BE",
  ],
  ["UTF-16 that says nothing", utf16("  <html><body>Hi")],
  [
    "another character set",
    new Uint8Array([0xa4, 0x3c, 0x48, 0x54, 0x4d, 0x4c, 0x3e]),
    "text/html; charset=gbk",
  ],
  ["a character set that nobody knows", "<html>", "text/html; charset=klingon"],
];

for (const [what, body, type = "text/html"] of PAGES) {
  Deno.test(`isPage sees a page by ${what}`, async () => {
    const { text } = await readText(new Response(body, { headers: { "content-type": type } }));
    assert.equal(isPage(text), true, text);
  });
}

for (
  const text of [
    "",
    " ",
    "ok",
    "OK\n",
    "Thank you",
    "true",
    "3",
    "a < b, and <3",
    `{"accepted":["a"]}`,
    `{"note":"<html><body>"}`,
    `"<form>"`,
    `[{"page":"<script>"}]`,
    `{"broken":"<html>`,
  ]
) {
  Deno.test(`isPage takes ${JSON.stringify(text)} for no page`, () =>
    assert.equal(isPage(text), false));
}

Deno.test("readText stops at its limit and fetches no more", async () => {
  let given = 0;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      given += 1_000;
      controller.enqueue(new Uint8Array(1_000).fill(0x61));
    },
    cancel: () => void (cancelled = true),
  });
  const { text, whole } = await readText(new Response(body), 2_500);
  assert.deepEqual([text.length, whole, cancelled], [2_500, false, true]);
  assert.ok(given <= 4_000, `${given} bytes`);
});

Deno.test("readText reads letters that parts cut in two", async () => {
  const bytes = new TextEncoder().encode("größer 🎮");
  const body = ReadableStream.from([...bytes].map((byte) => new Uint8Array([byte])));
  assert.deepEqual(await readText(new Response(body)), { text: "größer 🎮", whole: true });
});

function utf16(text: string, { mark = false, big = false } = {}): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer((text.length + Number(mark)) * 2));
  [...mark ? "\uFEFF" : "", ...text].forEach((char, at) =>
    view.setUint16(at * 2, char.charCodeAt(0), !big)
  );
  return new Uint8Array(view.buffer);
}

async function failureOf(call: Promise<Response>): Promise<UnusableAnswerError> {
  return await call.then(
    () => assert.fail("it was answered"),
    (error: UnusableAnswerError) => error,
  );
}
