/**
 * Attacks on the API's port.
 * @module
 */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { until } from "../support/until.ts";
import { type Attack, attempt, request } from "./attack.ts";
import { crowd, type Target, Wire } from "./target.ts";

/** Nothing with this source may ever be stored. */
export const ATTACKER = "attacker";
const MANY = Number(Deno.env.get("CLOCKBLOCK_TEST_CONNECTIONS") ?? 1_000);
/** As many event streams as the agent serves. */
const MOST_STREAMS = 1_000;

const event = (more: Readonly<Record<string, unknown>> = {}) => ({
  mode: "live",
  source: ATTACKER,
  type: "ATTACK",
  subtype: "TRY",
  body: "a word",
  ...more,
});
const EVENT = JSON.stringify(event());
const JSON_TYPE = { "Content-Type": "application/json" };
const POST = "POST /local/events";
const withToken = ({ token }: Target) => ({ ...JSON_TYPE, Authorization: `Bearer ${token}` });
/** The last character says two bits only: the next letter may mean the same bytes, and still is another text. */
const nearRight = ({ token }: Target) => [
  token.slice(0, -1),
  `${token}A`,
  token.slice(0, -1) + (token.endsWith("A") ? "B" : "A"),
  token.toUpperCase() === token ? token.toLowerCase() : token.toUpperCase(),
];

export const API_ATTACKS: readonly Attack[] = [
  {
    name: "DNS rebinding: a name that points to 127.0.0.1",
    says: (target) =>
      ["evil.example", "127.0.0.1.evil.example:80", "localhost@evil.example"].flatMap((Host) => [
        request("GET /status", { Host }),
        request("GET /", { Host }),
        request(POST, { ...withToken(target), Host }, EVENT),
      ]),
    answers: [421, 400],
  },
  {
    name: "a page of another origin posts without the token",
    says: () => [
      request(POST, { ...JSON_TYPE, Origin: "https://evil.example" }, EVENT),
      request(POST, { ...JSON_TYPE, Origin: "null" }, EVENT),
      request("PUT /records/tasks/t-1", { ...JSON_TYPE, Origin: "http://127.0.0.1:1" }, "{}"),
    ],
    answers: [403],
  },
  {
    name: "a form of another site posts JSON as text/plain",
    says: () => [
      request(POST, { "Content-Type": "text/plain", "Sec-Fetch-Site": "cross-site" }, EVENT),
      request("POST /recompute", { "Content-Type": "text/plain" }, "x"),
      request(POST, { "Content-Type": "text/plain" }, EVENT),
    ],
    answers: [401, 403],
  },
  {
    name: "JSON as text/plain with the token",
    says: (
      target,
    ) => [request(POST, { ...withToken(target), "Content-Type": "text/plain" }, EVENT)],
    answers: [415],
  },
  {
    name: "a missing, a wrong, a nearly right token",
    says: (target) => [
      request(POST, JSON_TYPE, EVENT),
      request(`${POST}?token=${target.token}`, JSON_TYPE, EVENT),
      request(POST, { ...JSON_TYPE, Authorization: `Basic ${btoa(`:${target.token}`)}` }, EVENT),
      request(POST, { ...JSON_TYPE, Cookie: `clockblock=${target.token}` }, EVENT),
      ...["", "x", "x".repeat(10_000), ...nearRight(target)].map((text) =>
        request(POST, { ...JSON_TYPE, Authorization: `Bearer ${text}` }, EVENT)
      ),
    ],
    answers: [401],
  },
  {
    name: "paths that lead out of the API",
    says: () =>
      [
        "/../api-token",
        "/%2e%2e/api-token",
        "/..%2fapi-token",
        "/..%5c..%5capi-token",
        "/.../...//api-token",
        "//etc/passwd",
        "/records/tasks/..%2f..%2f..%2fapi-token",
        "/%00/api-token",
        "/api-token",
        "/clockblock.db",
      ].map((path) => request(`GET ${path}`)),
    answers: [400, 404],
  },
  {
    name: "other protocols, and methods that no page may use",
    says: () => [
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
      "\x1b]0;owned\x07\x1b[2J\r\n\r\n",
      "GET /healthz\r\n\r\n",
      request("GET /healthz", { "X-A\r\n Folded": "x" }),
      request("GET /heal\x1b[2Jthz"),
      request("CONNECT evil.example:443"),
      request("TRACE /"),
      request("PROPFIND /"),
    ],
    answers: [400, 401, 403, 404, 405, 421],
    mayHangUp: true,
  },
  {
    name: "headers without end",
    says: () => [
      request("GET /healthz", { "X-Bomb": "x".repeat(2_000_000) }),
      request("GET /healthz", Object.fromEntries(numbered(20_000, (n) => [`X-${n}`, "x"]))),
      request(`GET /${"x".repeat(2_000_000)}`),
    ],
    mayHangUp: true,
    answers: [400, 414, 431],
  },
  {
    name: "a query that names the same thing thirty thousand times",
    async steps(target) {
      const query = "a&".repeat(31_000);
      // A link on any page leads there.
      const link = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
      };
      using wire = await Wire.open(target.apiPort);
      // One of them held the event loop for eight seconds once: all ten would not be answered in time.
      await wire.say(
        request(`GET /status?${query}`).repeat(5) + request(`GET /?${query}`, link).repeat(5),
      );
      await until(() => wire.statuses.length === 10, "all of them to be answered");
      assert.deepEqual(wire.statuses, [...Array(5).fill(400), ...Array(5).fill(200)]);
    },
  },
  {
    name: "a chunked body without end",
    async steps(target) {
      const head = { ...withToken(target), "Transfer-Encoding": "chunked" };
      using wire = await Wire.open(target.apiPort);
      await wire.say(request(POST, head));
      const chunk = `10000\r\n${" ".repeat(0x10000)}\r\n`;
      await until(async () => {
        await wire.say(chunk);
        return wire.statuses.length > 0 || wire.closed;
      }, "the agent to have enough");
      if (wire.statuses.length > 0) assert.deepEqual(wire.statuses, [413]);
    },
  },
  {
    name: "a Content-Length that is no length",
    says: (target) =>
      ["-1", "1e3", "0x10", "12, 13", "99999999999999999999", "+5"].map((length) =>
        request(POST, { ...withToken(target), "Content-Length": length }, EVENT)
      ),
    mayHangUp: true,
    answers: [400, 413],
  },
  {
    name: "two Content-Lengths",
    says: (target) => [
      request(
        POST,
        { ...withToken(target), "Content-Length": String(EVENT.length), "content-length": "2" },
        EVENT,
      ),
    ],
    mayHangUp: true,
    answers: [400],
  },
  {
    name: "a body shorter than its Content-Length",
    async steps(target) {
      const head = { ...withToken(target), "Content-Length": String(EVENT.length + 10) };
      using wire = await Wire.open(target.apiPort);
      await wire.say(request(POST, head, EVENT));
      wire.end();
      await wire.over();
      assert.ok(wire.statuses.every((status) => status >= 400), wire.heard);
    },
  },
  {
    name: "a body longer than its Content-Length",
    says: (target) => [
      request(POST, { ...withToken(target), "Content-Length": "2" }, `{}${EVENT}`),
    ],
    mayHangUp: true,
    answers: [400, 422],
  },
  {
    name: "a request hidden in another's body, for a proxy that reads the other length",
    async steps(target) {
      const hidden = request(POST, withToken(target), EVENT);
      for (
        const head of [
          // The length says that all is body, the chunks say that it ends at once.
          { "Content-Length": String(hidden.length + 5), "Transfer-Encoding": "chunked" },
          { "Content-Length": String(hidden.length + 5), "Transfer-Encoding": "xchunked" },
          { "Content-Length": String(hidden.length + 5), "Transfer-Encoding": "chunked, identity" },
        ]
      ) {
        using wire = await Wire.open(target.apiPort);
        await wire.say(request("GET /healthz", head, `0\r\n\r\n${hidden}`));
        await wire.over();
        assert.ok(!wire.heard.includes('"accepted"'), wire.heard);
      }
    },
  },
  {
    name: "a compressed body",
    async steps(target) {
      const packed = gzipSync(`[${EVENT}${" ".repeat(10_000_000)}]`);
      const head = request(POST, {
        ...withToken(target),
        "Content-Encoding": "gzip",
        "Content-Length": String(packed.length),
      });
      const bytes = new Uint8Array([...new TextEncoder().encode(head), ...packed]);
      const { statuses, heard } = await attempt(target.apiPort, bytes);
      assert.ok([400, 415].includes(statuses[0]!), heard);
    },
  },
  {
    name: "JSON nested without end",
    says: (target) => [
      request(POST, withToken(target), "[".repeat(100_000)),
      request(POST, withToken(target), "[".repeat(100_000) + "]".repeat(100_000)),
      request(POST, withToken(target), EVENT.replace("}", `,"meta":${nested(200)}}`)),
      request("PUT /local/state?mode=live", withToken(target), nested(50_000)),
      request("PUT /records/tasks/t-1", withToken(target), nested(200)),
    ],
    mayHangUp: true,
    answers: [400, 422],
  },
  {
    name: "a list of a million",
    says: (target) => [
      request(POST, withToken(target), `[${"1,".repeat(999_999)}1]`),
      request(POST, withToken(target), `[${"1,".repeat(499_999)}1]`),
      request(POST, withToken(target), `[${"{},".repeat(5_000)}{}]`),
    ],
    mayHangUp: true,
    answers: [400, 413, 422],
  },
  {
    name: "__proto__ for a key",
    says: (target) => [
      request(POST, withToken(target), EVENT.replace("{", '{"__proto__":{"mode":"live"},')),
      request(POST, withToken(target), '{"__proto__":' + EVENT + "}"),
      request("PUT /records/tasks/t-1", withToken(target), '{"__proto__":{"title":"x"}}'),
      request("PUT /records/__proto__/t-1", withToken(target), "{}"),
      request("PUT /local/state?mode=__proto__", withToken(target), "{}"),
      request("GET /local/events?mode=live&__proto__=1"),
    ],
    answers: [400, 404, 422],
  },
  {
    name: "headers and bodies that come a byte at a time",
    async steps(target) {
      using heads = await crowd(100, target.apiPort);
      using bodies = await crowd(100, target.apiPort);
      const slow = request(POST, { ...withToken(target), "Content-Length": "1000" });
      await Promise.all([
        ...heads.map((wire) => wire.say("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")),
        ...bodies.map((wire) => wire.say(`${slow}{`)),
      ]);
      for (let turn = 0; turn < 3; turn++) {
        await Promise.all([...heads, ...bodies].map((wire) => wire.say(" ")));
        await target.serves();
      }
      assert.ok([...heads, ...bodies].every(({ statuses }) => statuses.length === 0));
    },
  },
  {
    name: "more listeners than there may be, to both streams at once",
    async steps(target) {
      const paths = ["/stream", "/local/stream?mode=live"];
      using streams = await crowd((MOST_STREAMS + 10) * paths.length, target.apiPort);
      await Promise.all(
        streams.map((wire, index) => wire.say(request(`GET ${paths[index % 2]}`))),
      );
      await until(() => streams.every(({ heard }) => heard !== ""), "all to be answered");
      for (const path of [0, 1]) {
        const statuses = streams.filter((_, index) => index % 2 === path)
          .flatMap((wire) => wire.statuses);
        const served = statuses.filter((status) => status === 200).length;
        const refused = statuses.filter((status) => status === 503).length;
        assert.deepEqual([served, refused], [MOST_STREAMS, 10]);
      }
      await target.serves();
    },
  },
  {
    name: `${MANY} connections that say nothing`,
    async steps(target) {
      using idle = await crowd(MANY, target.apiPort);
      await target.serves();
      assert.ok(idle.every(({ statuses }) => statuses.length === 0));
    },
  },
];

function nested(depth: number): string {
  return '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
}

function numbered<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
