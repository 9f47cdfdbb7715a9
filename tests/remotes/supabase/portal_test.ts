/**
 * What answers in a project's place: sign-in pages of networks, redirects, servers that speak another language. None of
 * it is a success, ends a session, or gets a password.
 * @module
 */
import assert from "node:assert/strict";
import { RemoteError } from "../../../src/core/mod.ts";
import { memoryTokenStore, type SupabaseRemoteOptions } from "../../../src/remotes/supabase/mod.ts";
import { Cloud } from "../../support/servers/cloud.ts";
import { supabaseOn } from "../../support/servers/supabase.ts";

const cloud = await Cloud.start();
const { signal } = new AbortController();

/** Answers in the project's place; undefined lets a request pass. */
let portal: (request: Request) => Response | undefined = () => undefined;
/** What the portal's own server was sent. */
const stolen: string[] = [];

const front = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
  const answer = portal(request);
  if (answer) {
    await request.body?.cancel();
    return answer;
  }
  const { pathname, search } = new URL(request.url);
  const body = await request.bytes();
  const { method, headers } = request;
  const passed = await fetch(`${cloud.url}${pathname}${search}`, {
    method,
    headers,
    redirect: "manual",
    ...(body.length > 0 ? { body } : {}),
  });
  const bytes = await passed.bytes();
  return new Response(bytes.length > 0 ? bytes : null, passed);
});
const elsewhere = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
  stolen.push(`${request.method} ${await request.text()}`);
  return Response.json([]);
});
const url = `http://127.0.0.1:${front.addr.port}`;
const there = `http://127.0.0.1:${elsewhere.addr.port}/login`;

function test(behaviour: string, run: () => Promise<void>): void {
  Deno.test(`Supabase ${behaviour}`, async () => {
    await cloud.empty();
    portal = () => undefined;
    stolen.length = 0;
    await run();
  });
}

const remoteAt = (options: Partial<SupabaseRemoteOptions> = {}) =>
  supabaseOn(cloud, { url, ...options });

const heartbeats = (count: number) => ({
  stream: "playtime",
  table: "heartbeats",
  operation: "insert",
  rows: Array.from({ length: count }, (_, n) => ({
    id: `0190a000-0000-7000-8000-00000000000${n}`,
    device_id: "pc-1",
    timestamp_utc: "2026-11-21T00:00:00.000Z",
    is_playing: true,
    poll_interval_sec: 5,
    process_name: "game",
  })),
} as const);

const records = {
  stream: "records",
  table: "projects",
  operation: "insert",
  rows: [{ id: "p1", system_id: "pc-1", name: "house", updated_at: "2026-11-21T00:00:00.000Z" }],
} as const;

const html = { "content-type": "text/html" };
const PAGE = "<script>location='/login'</script>";

for (const status of [301, 302, 303, 307, 308]) {
  test(`sends no password, key or row to where a ${status} leads, and takes it for no success`, async () => {
    const redirect = () =>
      new Response(null, { status, headers: { location: `${there}?k=secret` } });
    portal = redirect;
    const where = new RegExp(`it redirects to ${there}$`);
    const signIn = await failureOf(remoteAt().push(heartbeats(2), { signal }));
    assert.match(signIn.message, where);
    assert.match(signIn.verdict?.advice ?? "", /redirects elsewhere/);
    portal = () => undefined;
    const remote = remoteAt();
    await remote.pull!("projects", null, { signal });
    portal = redirect;
    for (
      const call of [
        remote.push(heartbeats(2), { signal }),
        remote.push(records, { signal }),
        remote.pull!("projects", null, { signal }),
        remote.probe({ signal }),
      ]
    ) {
      const error = await failureOf(call);
      assert.match(error.message, where);
      assert.deepEqual([error.status, error.verdict?.action], [status, "pause"]);
    }
    assert.deepEqual(stolen, []);
  });
}

for (const status of [301, 302, 303]) {
  test(`takes a ${status} of a write within the origin for no success`, async () => {
    const remote = remoteAt();
    await remote.pull!("projects", null, { signal });
    portal = ({ method }) =>
      method === "POST"
        ? new Response(null, { status, headers: { location: "/rest/v1/heartbeats" } })
        : undefined;
    const error = await failureOf(remote.push(heartbeats(2), { signal }));
    assert.equal(error.status, status);
  });
}

const NOT_ITS_OWN: readonly (readonly [string, () => Response, RegExp])[] = [
  ["a page", () => new Response(PAGE, { headers: html }), /a web page answered/],
  ["a page of status 201", () => new Response(PAGE, { status: 201 }), /a web page answered/],
  ["WISPr", () => new Response(`<?xml version="1.0"?><a/>`), /a web page answered/],
  ["text", () => new Response("welcome"), /its answer is no whole JSON/],
  ["JSON that broke off", () => new Response(`[{"id":"p1"},{"i`), /its answer is no whole JSON/],
];

for (const [what, answer, words] of NOT_ITS_OWN) {
  test(`accepts, reads and rejects nothing by ${what}`, async () => {
    const remote = remoteAt();
    await remote.pull!("projects", null, { signal });
    portal = ({ url }) => url.includes("/rest/") ? answer() : undefined;
    for (
      const call of [
        remote.push(heartbeats(2), { signal }),
        remote.push(heartbeats(1), { signal }),
        remote.push(records, { signal }),
        remote.pull!("projects", null, { signal }),
      ]
    ) {
      const error = await failureOf(call);
      assert.match(error.message, words);
      assert.equal(error.verdict?.action, "retry");
    }
    portal = () => undefined;
    assert.equal((await remote.push(heartbeats(2), { signal })).accepted.length, 2);
  });
}

for (const status of [400, 409, 413, 422]) {
  test(`rejects no row by a page of status ${status}`, async () => {
    const remote = remoteAt();
    await remote.pull!("projects", null, { signal });
    portal = () => new Response(PAGE, { status, headers: html });
    const error = await failureOf(remote.push(heartbeats(1), { signal }));
    assert.deepEqual([error.status, error.verdict?.alone], [status, "hold"]);
  });
}

for (const [what, body] of [["nothing", ""], ["an empty list", "[]"], ["{}", "{}"]] as const) {
  test(`takes a 404 with ${what} for no success`, async () => {
    const remote = remoteAt();
    await remote.pull!("projects", null, { signal });
    portal = () => new Response(body, { status: 404 });
    for (const call of [remote.push(heartbeats(2), { signal }), remote.push(records, { signal })]) {
      assert.equal((await failureOf(call)).status, 404);
    }
  });
}

const SHAPES = [`{"ok":true}`, `"ok"`, "[1,2]", "[null]", `[{"a":1}]`, "7", "null", "true", ""];

for (const body of SHAPES) {
  test(`says clearly that ${body || "nothing"} is not what was asked for`, async () => {
    const remote = remoteAt();
    await remote.pull!("projects", null, { signal });
    portal = ({ url }) => url.includes("/rest/") ? new Response(body) : undefined;
    for (
      const call of [
        remote.pull!("projects", null, { signal }),
        remote.push(records, { signal }),
      ]
    ) {
      const error = await failureOf(call);
      assert.match(error.message, /its answer is not what was asked for$/);
      assert.equal(error.status, 200);
    }
  });
}

const NO_REFRESH: readonly (readonly [string, () => Response])[] = [
  ["a page", () => new Response(PAGE, { headers: html })],
  ["a page of status 400", () => new Response(PAGE, { status: 400, headers: html })],
  ["a page of status 403", () => new Response(PAGE, { status: 403, headers: html })],
  ["a page of status 500", () => new Response(PAGE, { status: 500, headers: html })],
  ["a redirect", () => Response.redirect(there)],
  ["{}", () => Response.json({})],
  ["null", () => Response.json(null)],
  ["half a session", () => Response.json({ access_token: "a", refresh_token: "b" })],
  ["JSON of status 403", () => Response.json({ error: "sign in first" }, { status: 403 })],
  ["JSON of status 404", () => Response.json({ message: "no Route matched" }, { status: 404 })],
  [
    "429",
    () => Response.json({ code: "over_request_rate_limit", message: "slow" }, { status: 429 }),
  ],
];

for (const [what, answer] of NO_REFRESH) {
  test(`keeps its session when ${what} answers to a refresh`, async () => {
    const tokens = memoryTokenStore();
    const remote = remoteAt({ tokens, email: undefined, password: undefined, timeoutMs: 2_000 });
    await remote.login(cloud.alice.email, cloud.alice.password);
    const before = await tokens.getItem("session");
    let asked = 0;
    // supabase-js tries for half a minute.
    const answered = Promise.withResolvers<void>();
    portal = ({ url }) => {
      if (!url.includes("/auth/v1/token")) return undefined;
      if (++asked === 2) answered.resolve();
      return answer();
    };
    const refreshing = remote.refresh!({ signal }).catch(() => false);
    await Promise.race([answered.promise, refreshing]);
    assert.ok(asked >= 1);
    assert.equal(await tokens.getItem("session"), before);
    portal = () => undefined;
    assert.equal(await refreshing, true);
    assert.equal((await remote.push(heartbeats(1), { signal })).accepted.length, 1);
    assert.deepEqual(stolen, []);
  });
}

test("says what answered to a sign-in", async () => {
  const answers = [
    [() => new Response(PAGE, { headers: html }), /a web page answered/],
    [() => new Response("ok"), /its answer is no sign-in$/],
    [() => Response.json({ user: { id: "a" } }), /its answer is no sign-in$/],
  ] as const;
  for (const [answer, words] of answers) {
    portal = answer;
    for (
      const call of [
        remoteAt().login(cloud.alice.email, cloud.alice.password),
        remoteAt().push(heartbeats(1), { signal }),
      ]
    ) {
      const { message } = await failureOf(call);
      assert.ok(message.startsWith('Cannot sign in to "supabase 127.0.0.1'), message);
      assert.match(message, words);
    }
  }
});

test("is not reached while a page answers", async () => {
  portal = () =>
    new Response(PAGE, { headers: { ...html, date: "Thu, 01 Jan 2026 00:00:00 GMT" } });
  const remote = remoteAt();
  const error = await failureOf(remote.probe({ signal }));
  assert.match(error.message, /^Cannot reach "supabase .*": a web page answered/);
  assert.equal(error.status, undefined);
  portal = () => undefined;
  const { clockOffsetMs } = await remote.probe({ signal });
  assert.ok(Math.abs(clockOffsetMs!) < 60_000, "the page's clock was taken for the project's");
});

test("follows no redirect with Realtime's socket", async () => {
  let upgrades = 0;
  portal = (request) => {
    if (!request.headers.has("upgrade")) return undefined;
    upgrades++;
    return new Response(null, { status: 302, headers: { location: there } });
  };
  const stop = new AbortController();
  const watching = remoteAt({ giveUpMs: 100 }).watch!(["tasks"], () => {}, { signal: stop.signal });
  while (upgrades < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  stop.abort();
  await watching;
  assert.deepEqual(stolen, []);
});

Deno.test.afterAll(async () => {
  await front.shutdown();
  await elsewhere.shutdown();
  await cloud[Symbol.asyncDispose]();
});

async function failureOf(call: Promise<unknown>): Promise<RemoteError> {
  const error = await call.then(() => assert.fail("it was accepted"), (reason) => reason);
  assert.ok(error instanceof RemoteError, String(error));
  for (const secret of ["secret", cloud.alice.password, cloud.key]) {
    assert.ok(!error.message.includes(secret), error.message);
  }
  return error;
}
