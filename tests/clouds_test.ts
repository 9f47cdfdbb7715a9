/** Where each stream goes, by the configuration. @module */
import assert from "node:assert/strict";
import * as v from "valibot";
import { createRemotes } from "../src/clouds.ts";
import { configSchema } from "../src/config/schema.ts";
import { systemClock, Warnings } from "../src/core/mod.ts";
import { Cloud } from "./support/servers/cloud.ts";
import { tempDir } from "./support/temp.ts";

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
      warnings: new Warnings(),
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

Deno.test("A cloud of an earlier schema is warned of, with what to run", async () => {
  await using cloud = await Cloud.start();
  using dir = tempDir();
  const { url, key, alice: { email, password } } = cloud;
  const warnings = new Warnings();
  const remotes = await createRemotes(
    v.parse(configSchema, {
      db_path: `${dir.path}/clockblock.db`,
      supabase: { url, key, email, password, realtime: false },
    }),
    { clock: systemClock, deviceId: "pc-1", systemId: "pc-1", warnings },
  );
  const push = () =>
    remotes.attendance!.push({
      stream: "attendance",
      table: "punches",
      operation: "insert",
      rows: [{
        ...{ id: "1", device_sn: "SN1", person_id: "7", struck: true },
        ...{ device_time: "2026-11-21 09:00:00", time_zone: "UTC" },
      }],
    }, { signal: new AbortController().signal });
  await cloud.ddl("ALTER TABLE punches DROP COLUMN struck");
  await push();
  const [warning] = warnings.list();
  assert.equal(warning?.code, "supabase.schema.punches");
  assert.match(
    warning.message,
    /^Table punches .* no column struck: .*"clockblock schema supabase"/,
  );
  await cloud.ddl("ALTER TABLE punches ADD COLUMN struck boolean");
  remotes.supabase!.forget!();
  await push();
  assert.deepEqual(warnings.list(), []);
  assert.deepEqual(await cloud.sql("SELECT struck FROM punches"), [{ struck: true }]);
});
