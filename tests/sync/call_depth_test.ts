/**
 * How deep the calls are between a lane's round and `fetch`: at most eight functions of ours, the round and the one that
 * calls `fetch` included. Functions of supabase-js and of the runtime do not count.
 * @module
 */
import assert from "node:assert/strict";
import type { Inbox, Remote } from "../../src/core/mod.ts";
import { createEndpoint } from "../../src/remotes/endpoint/mod.ts";
import { createSupabase, memoryTokenStore } from "../../src/remotes/supabase/mod.ts";
import { addNotes } from "../support/fakes/sample_outbox.ts";
import { SyncBench } from "../support/sync_bench.ts";

const MAX_DEPTH = 8;

/** Our functions on a stack down to the round, innermost first; undefined for a stack that no round is on. */
function callsTo(stack: string): string[] | undefined {
  const ours = stack.split("\n").filter((line) => /\/src\/\w/.test(line) && !/\/npm\//.test(line))
    .map((line) => /at (?:async )?(.+)/.exec(line)![1]!.replace(/ \(.*\/src\//, " (src/"));
  const round = ours.findIndex((call) => call.includes("#round"));
  return round === -1 ? undefined : ours.slice(0, round + 1);
}

/** The calls of each request of a round, by method and path. */
async function callsOf(
  remoteWith: (fetch: typeof globalThis.fetch) => Remote,
  inbox?: Inbox,
): Promise<Map<string, string[]>> {
  const calls = new Map<string, string[]>();
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 100;
  try {
    const remote = remoteWith(async (input, init) => {
      // By then each caller awaits the next, so that all of them are on the stack.
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      const found = callsTo(new Error().stack!);
      const { pathname } = new URL(String(input));
      if (found) calls.set(`${init?.method ?? "GET"} ${pathname}`, found);
      return Response.json([
        { id: "a", system_id: "pc-1", updated_at: "2026-03-02", received_at: "2026-03-02" },
      ]);
    });
    await using bench = new SyncBench({ remote, ...(inbox ? { inbox } : {}) });
    await addNotes(bench, ["a"]);
    await bench.begin();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return calls;
}

function assertShallow(calls: string[] | undefined): void {
  assert.ok(calls, "the round is on the stack");
  assert.ok(calls.length <= MAX_DEPTH, `${calls.length} calls:\n${calls.join("\n")}`);
}

Deno.test("A row reaches fetch within eight calls on its way to an endpoint", async () => {
  const calls = await callsOf((fetch) => createEndpoint({ url: "https://cloud.example/", fetch }));
  assertShallow(calls.get("POST /"));
});

Deno.test("A row reaches fetch within eight calls on its way to and from Supabase", async () => {
  const inbox: Inbox = {
    tables: ["projects"],
    cursor: () => null,
    apply: () => ({ applied: 0, conflicts: 0 }),
  };
  const calls = await callsOf((fetch) =>
    createSupabase({
      url: "https://cloud.example",
      key: "sb_secret_key",
      systemId: "pc-1",
      deviceId: "pc-1",
      eventsTable: "zoe_events",
      healthTable: "zoe_health",
      realtime: false,
      tokens: memoryTokenStore(),
      fetch,
    }), inbox);
  assertShallow(calls.get("GET /rest/v1/projects"));
  assertShallow(calls.get("POST /rest/v1/heartbeats"));
});
