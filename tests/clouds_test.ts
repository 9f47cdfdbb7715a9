/** Where each stream goes, by the configuration. @module */
import assert from "node:assert/strict";
import * as v from "valibot";
import { createRemotes } from "../src/clouds.ts";
import { configSchema } from "../src/config/schema.ts";
import { systemClock } from "../src/core/mod.ts";

interface Case {
  what: string;
  attendance: Record<string, unknown>;
  /** Behind the address of the endpoint. */
  endpoint: string;
  asked: string;
  token?: string;
}

const cases: readonly Case[] = [
  {
    what: "at the default path, with the token of all endpoints",
    attendance: {},
    endpoint: "",
    asked: "/api/devices/sync-batch",
  },
  {
    what: "at a path of its own, with a token of its own",
    attendance: { path: "/api/devices/sync-logs", device_token: "own" },
    endpoint: "/tenant",
    asked: "/tenant/api/devices/sync-logs",
    token: "own",
  },
  {
    what: "at the whole address where that was given",
    attendance: {},
    endpoint: "/in/api/devices/sync-batch/?key=1",
    asked: "/in/api/devices/sync-batch/?key=1",
  },
  {
    what: "at the whole address with a path of its own",
    attendance: { path: "/punches" },
    endpoint: "/in/punches",
    asked: "/in/punches",
  },
];

for (const { what, attendance, endpoint, asked, token = "all" } of cases) {
  Deno.test(`Punches are sent ${what}`, async () => {
    const seen: [string, string | null][] = [];
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => {
        const { pathname, search } = new URL(request.url);
        seen.push([pathname + search, request.headers.get("authorization")]);
        return new Response(null, { status: 204 });
      },
    );
    const config = v.parse(configSchema, {
      device_token: "all",
      attendance: {
        ...attendance,
        endpoint_url: `http://127.0.0.1:${server.addr.port}${endpoint}`,
      },
    });
    const remotes = await createRemotes(config, {
      clock: systemClock,
      deviceId: "agent-1",
      systemId: "agent-1",
    });
    await remotes.attendance!.push({
      stream: "attendance",
      table: "punches",
      operation: "insert",
      rows: [{ id: "1" }],
    }, { signal: new AbortController().signal });
    assert.deepEqual(seen, [[asked, `Bearer ${token}`]]);
  });
}

Deno.test("attendance.path is a path", () => {
  for (const path of ["", "/", "api", "https://x/y", "/a?b", "/a b", "//a", 7]) {
    assert.equal(v.safeParse(configSchema, { attendance: { path } }).success, false, `${path}`);
  }
});
