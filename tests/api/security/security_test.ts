import { Security } from "../../../src/api/security/security.ts";
import assert from "node:assert/strict";
import * as v from "valibot";
import { route } from "../../../src/core/mod.ts";
import { cookieValue, sameSecret } from "../../../src/api/security/cookie.ts";
import { FROM_LOOPBACK, TEST_TOKEN, testApi } from "../../support/api.ts";

const write = route({
  method: "POST",
  path: "/write",
  summary: "Writes",
  tag: "test",
  body: v.optional(v.unknown()),
  handle: () => undefined,
});
const OWN = "http://127.0.0.1:3841";
const FRIEND = "https://app.example";
const EVIL = "https://evil.example";
const COOKIE = `clockblock_3841=${await cookieValue(TEST_TOKEN)}`;

interface Scenario {
  name: string;
  path?: string;
  method?: string;
  /** Besides `Host: 127.0.0.1:3841` and, for writes, the token; null takes one away. */
  headers?: Record<string, string | null>;
  /** Bound to the network instead of loopback. */
  exposed?: boolean;
  /** Where it comes from (default: this machine). */
  from?: string;
  status: number;
  answered?: Record<string, string | null>;
}

const ELSEWHERE = "192.168.1.7";
const NO_CORS = { "access-control-allow-origin": null };
const NO_TOKEN = { authorization: null };

const SCENARIOS: Scenario[] = [
  // Host: DNS rebinding
  ...[
    "127.0.0.1",
    "127.0.0.1:3841",
    "localhost",
    "LocalHost:80",
    "localhost.",
    "localhost.:3841",
    "[::1]",
    "[::1]:3841",
  ].map((host): Scenario => ({ name: `Host ${host} is ours`, headers: { host }, status: 200 })),
  ...[
    "evil.example",
    "evil.example:3841",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example#127.0.0.1",
    "127.0.0.1@evil.example",
    "evil.example/127.0.0.1",
    "127.0.0.1:3841:80",
    "127.0.0.1..",
    "127.0.0.2",
    "0.0.0.0:3841",
    "192.168.1.5:3841",
    "[::]:3841",
    "2130706433",
    "127.1",
    "::1",
    "localhost, evil.example",
    ".",
    ":3841",
  ].map((host): Scenario => ({ name: `Host ${host} is not`, headers: { host }, status: 421 })),
  { name: "no Host at all is a bad request", headers: { host: null }, status: 400 },
  {
    name: "a rebound name is refused even with the token",
    method: "POST",
    path: "/write",
    headers: { host: "evil.example" },
    status: 421,
  },
  {
    name: "the host of an allowed origin is a name of ours",
    headers: { host: "app.example:3841" },
    status: 200,
  },
  // Origin: web pages
  {
    name: "our own page reads",
    headers: { origin: OWN, "sec-fetch-site": "same-origin" },
    status: 200,
    answered: NO_CORS,
  },
  {
    name: "an allowed page reads, and may see the answer",
    headers: { origin: FRIEND, "sec-fetch-site": "cross-site" },
    status: 200,
    answered: {
      "access-control-allow-origin": FRIEND,
      "access-control-allow-credentials": null,
      "access-control-expose-headers": "link, location, retry-after",
      vary: "Origin",
    },
  },
  {
    name: "an allowed page writes with the token",
    method: "POST",
    path: "/write",
    headers: { origin: FRIEND, "sec-fetch-site": "cross-site" },
    status: 204,
    answered: { "access-control-allow-origin": FRIEND },
  },
  {
    name: "an allowed page sees why it is refused",
    method: "POST",
    path: "/write",
    headers: { origin: FRIEND, ...NO_TOKEN },
    status: 401,
    answered: { "access-control-allow-origin": FRIEND },
  },
  {
    name: "an allowed page sees that nothing is there",
    path: "/nothing",
    headers: { origin: FRIEND },
    status: 404,
    answered: { "access-control-allow-origin": FRIEND },
  },
  {
    name: "a foreign page reads nothing in a browser that says where it comes from",
    headers: { origin: EVIL, "sec-fetch-site": "cross-site" },
    status: 403,
    answered: NO_CORS,
  },
  {
    name: "a foreign page reads nothing in a browser that does not",
    headers: { origin: EVIL },
    status: 403,
    answered: NO_CORS,
  },
  {
    name: "a page without an origin, such as a file, reads nothing",
    headers: { origin: "null" },
    status: 403,
    answered: NO_CORS,
  },
  ...[EVIL, "null", "http://127.0.0.1:8080", "https://127.0.0.1:3841", "http://localhost:3841"].map(
    (origin): Scenario => ({
      name: `a page of ${origin} writes nothing, even with the token`,
      method: "POST",
      path: "/write",
      headers: { origin },
      status: 403,
      answered: NO_CORS,
    }),
  ),
  {
    name: "an image on a foreign page is refused",
    headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
    status: 403,
  },
  {
    name: "an image on a page of another port is refused",
    headers: { "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" },
    status: 403,
  },
  {
    name: "an address typed in by a person is answered",
    headers: { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" },
    status: 200,
  },
  {
    name: "a link on another site leads to the page",
    path: "/?from=readme",
    headers: {
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    },
    status: 200,
  },
  {
    name: "a frame on another site does not",
    path: "/",
    headers: {
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "iframe",
    },
    status: 403,
  },
  {
    name: "a link on another site does not lead to anything else",
    headers: {
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    },
    status: 403,
  },
  {
    name: "a preflight of an allowed page is answered",
    method: "OPTIONS",
    path: "/write",
    headers: {
      origin: FRIEND,
      "access-control-request-method": "POST",
      "access-control-request-private-network": "true",
    },
    status: 204,
    answered: {
      "access-control-allow-origin": FRIEND,
      "access-control-allow-methods": "POST",
      "access-control-allow-headers":
        "authorization, cache-control, content-type, idempotency-key, last-event-id",
      "access-control-allow-private-network": "true",
      "access-control-allow-credentials": null,
    },
  },
  {
    name: "a preflight of a foreign page is refused",
    method: "OPTIONS",
    path: "/write",
    headers: {
      origin: EVIL,
      "access-control-request-method": "POST",
      "sec-fetch-site": "cross-site",
    },
    status: 403,
    answered: NO_CORS,
  },
  // Token
  { name: "a write with the token is done", method: "POST", path: "/write", status: 204 },
  {
    name: "the scheme may be written in any case",
    method: "POST",
    path: "/write",
    headers: { authorization: `bearer ${TEST_TOKEN}` },
    status: 204,
  },
  {
    name: "a write without the token is not",
    method: "POST",
    path: "/write",
    headers: NO_TOKEN,
    status: 401,
    answered: { "www-authenticate": 'Bearer realm="clockblock"' },
  },
  ...[
    "Bearer wrong",
    `Bearer ${TEST_TOKEN}x`,
    `Bearer ${TEST_TOKEN.slice(0, -1)}`,
    `Basic ${TEST_TOKEN}`,
    TEST_TOKEN,
    "Bearer",
    "Bearer  ",
  ].map((authorization): Scenario => ({
    name: `"${authorization}" is not the token`,
    method: "POST",
    path: "/write",
    headers: { authorization },
    status: 401,
    answered: { "www-authenticate": 'Bearer realm="clockblock", error="invalid_token"' },
  })),
  ...["//write", "/write/", "/%77rite", "/nothing", "/healthz", "/"].map((path): Scenario => ({
    name: `a write to ${path} needs it as well`,
    method: "POST",
    path,
    headers: NO_TOKEN,
    status: 401,
  })),
  ...["PUT", "PATCH", "DELETE", "FOO"].map((method): Scenario => ({
    name: `${method} is a write`,
    method,
    path: "/status",
    headers: NO_TOKEN,
    status: 401,
  })),
  {
    name: "a form of a foreign page is refused",
    method: "POST",
    path: "/write",
    headers: { ...NO_TOKEN, origin: EVIL, "content-type": "text/plain" },
    status: 403,
  },
  {
    name: "text is not taken for JSON, even with the token",
    method: "POST",
    path: "/write",
    headers: { "content-type": "text/plain", "content-length": "2" },
    status: 415,
  },
  // Cookie
  {
    name: "our own page writes by its cookie",
    method: "POST",
    path: "/write",
    headers: { ...NO_TOKEN, cookie: COOKIE, origin: OWN },
    status: 204,
  },
  {
    name: "the cookie is found among others",
    method: "POST",
    path: "/write",
    headers: { ...NO_TOKEN, cookie: `a=b; ${COOKIE};c`, origin: OWN },
    status: 204,
  },
  {
    name: "the cookie is found behind one that a page of another port has set for a longer path",
    method: "POST",
    path: "/write",
    headers: { ...NO_TOKEN, cookie: `clockblock_3841=shadow; ${COOKIE}`, origin: OWN },
    status: 204,
  },
  {
    name: "the cookie alone writes nothing",
    method: "POST",
    path: "/write",
    headers: { ...NO_TOKEN, cookie: COOKIE },
    status: 401,
  },
  {
    name: "the cookie of a page on another port writes nothing",
    method: "POST",
    path: "/write",
    headers: { ...NO_TOKEN, cookie: COOKIE, origin: "http://127.0.0.1:8080" },
    status: 403,
  },
  {
    name: "the cookie from an allowed page writes nothing",
    method: "POST",
    path: "/write",
    headers: { ...NO_TOKEN, cookie: COOKIE, origin: FRIEND },
    status: 401,
  },
  {
    name: "a wrong cookie writes nothing",
    method: "POST",
    path: "/write",
    headers: { ...NO_TOKEN, cookie: `clockblock_3841=${TEST_TOKEN}`, origin: OWN },
    status: 401,
  },
  // Bound to the network
  {
    name: "any address of ours will do",
    exposed: true,
    headers: { host: "192.168.1.5:3841", authorization: `Bearer ${TEST_TOKEN}` },
    status: 200,
  },
  {
    name: "a name that anyone can point to us will not",
    exposed: true,
    headers: { host: "evil.example:3841", authorization: `Bearer ${TEST_TOKEN}` },
    status: 421,
  },
  ...["/status", "/stream", "/metrics", "/openapi.json", "//healthz", "/healthz/", "/%68ealthz"]
    .map((path): Scenario => ({
      name: `${path} from elsewhere needs the token`,
      exposed: true,
      from: ELSEWHERE,
      path,
      status: 401,
    })),
  ...["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"].map((from): Scenario => ({
    name: `a program on this machine (${from}) reads without the token`,
    exposed: true,
    from,
    status: 200,
  })),
  {
    name: "a program on this machine needs the token to write",
    exposed: true,
    method: "POST",
    path: "/write",
    headers: NO_TOKEN,
    status: 401,
  },
  {
    name: "a program on this machine that asks by the network's address needs the token",
    exposed: true,
    headers: { host: "192.168.1.5:3841" },
    status: 401,
  },
  {
    name: "what a proxy on this machine forwards needs the token",
    exposed: true,
    headers: { "x-forwarded-for": ELSEWHERE },
    status: 401,
  },
  {
    name: "a page of another origin reads nothing from this machine either",
    exposed: true,
    headers: { origin: EVIL },
    status: 403,
  },
  ...["/healthz", "/"].map((path): Scenario => ({
    name: `${path} does not`,
    exposed: true,
    path,
    from: ELSEWHERE,
    headers: { host: "192.168.1.5:3841" },
    status: 200,
  })),
  {
    name: "the cookie reads",
    exposed: true,
    from: ELSEWHERE,
    headers: { cookie: COOKIE },
    status: 200,
  },
];

for (
  const { name, path = "/status", method = "GET", headers, exposed, from, status, answered }
    of SCENARIOS
) {
  Deno.test(`Security${exposed ? ", bound to the network" : ""}: ${name}`, async () => {
    using test = testApi({
      routes: [write],
      allowedOrigins: [FRIEND],
      host: exposed ? "0.0.0.0" : "127.0.0.1",
    });
    const response = await test.ask(path, {
      method,
      ...(headers ? { headers } : {}),
      ...(from ? { from } : {}),
    });
    const text = await response.text();
    assert.equal(response.status, status, text);
    for (const [header, value] of Object.entries(answered ?? {})) {
      assert.equal(response.headers.get(header), value, header);
    }
  });
}

Deno.test("Security gives the cookie to a page loaded on this machine, which then writes by it", async () => {
  using test = testApi({ routes: [write] });
  const page = await test.ask("/");
  await page.body?.cancel();
  const given = page.headers.get("set-cookie")!;
  assert.match(given, /^clockblock_3841=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict$/);
  assert.ok(!given.includes(TEST_TOKEN));
  const response = await test.ask("/write", {
    method: "POST",
    headers: { authorization: null, origin: OWN, cookie: given.split(";")[0]! },
  });
  assert.equal(response.status, 204);
});

for (
  const [name, path, headers, remote] of [
    ["that asks from elsewhere", "/", {}, "192.168.1.7"],
    ["that calls us by another name", "/", { host: "192.168.1.5:3841" }, "127.0.0.1"],
    ["behind a proxy", "/", { "x-forwarded-for": "192.168.1.7" }, "127.0.0.1"],
    [
      "that reads something else",
      "/status",
      { authorization: `Bearer ${TEST_TOKEN}` },
      "127.0.0.1",
    ],
  ] as const
) {
  Deno.test(`Security gives no cookie to a page ${name}`, async () => {
    using test = testApi({ host: "0.0.0.0" });
    const response = await test.api.fetch(
      new Request(`http://127.0.0.1:3841${path}`, {
        headers: { host: "127.0.0.1:3841", ...headers },
      }),
      { remoteAddr: { ...FROM_LOOPBACK.remoteAddr, hostname: remote } },
    );
    await response.body?.cancel();
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("set-cookie"), null);
  });
}

Deno.test("Security gives the cookie to whoever shows the token", async () => {
  using test = testApi({ host: "0.0.0.0" });
  const refused = await test.ask("/session", { method: "POST", headers: NO_TOKEN });
  await refused.body?.cancel();
  assert.equal(refused.status, 401);
  const response = await test.ask("/session", {
    method: "POST",
    headers: { host: "192.168.1.5:3841" },
  });
  assert.equal(response.status, 204);
  assert.match(response.headers.get("set-cookie")!, /^clockblock_3841=[0-9a-f]{64}; /);
});

Deno.test("sameSecret knows one secret from another", () => {
  assert.ok(sameSecret("abc", "abc"));
  for (const other of ["", "ab", "abd", "abcd", "abc\0", "ABC"]) {
    assert.ok(!sameSecret(other, "abc"), other);
  }
  assert.ok(!sameSecret("abc", ""));
});

Deno.test("Security takes the token as the whole of a Bearer authorization only", async () => {
  const security = new Security({ host: "127.0.0.1", allowedOrigins: [], token: "secret" });
  const authorized = async (authorization: string) => {
    const request = new Request("http://127.0.0.1:3841/", { headers: { authorization } });
    return await security.authorized(request, { host: "127.0.0.1:3841", ownOrigin: false });
  };
  for (const right of ["Bearer secret", "bearer  secret "]) {
    assert.equal(await authorized(right), true, right);
  }
  for (
    const wrong of [
      "secret",
      "Basic Bearer secret",
      "Bearer secret x",
      "Bearer secre",
      "xBearer secret",
    ]
  ) assert.equal(await authorized(wrong), false, wrong);
});
