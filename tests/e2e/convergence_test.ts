/**
 * Three machines and web pages edit the same records, with partitions, lost answers, wrong clocks and kills; once
 * everybody has been heard, all have the same rows. `deno task test:long` tries many more histories.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Clock, type Json, systemClock } from "../../src/core/mod.ts";
import { memoryTokenStore } from "../../src/remotes/supabase/mod.ts";
import { Cloud } from "../support/servers/cloud.ts";
import { Machine } from "../support/machine.ts";
import { Plug } from "../support/servers/plug.ts";

const MACHINES = 3;
/** Histories of each seed. */
const RUNS = Number(Deno.env.get("CLOCKBLOCK_TEST_RUNS") ?? 5);
const SEEDS = [1, 20_261, 777_777];
const TABLES = [{ name: "projects" }, { name: "tasks" }];

type Step =
  | { do: "edit"; on: number; id: string; name: string; field: "name" | "status" }
  | { do: "replace"; on: number; id: string; name: string }
  | { do: "delete"; on: number; id: string }
  | { do: "task"; on: number; id: string; under: string; name: string }
  | { do: "delete task"; on: number; id: string }
  | { do: "page"; id: string; name: string; deletes: boolean }
  | { do: "page's task"; id: string; name: string; deletes: boolean }
  | { do: "sync"; on: number }
  | { do: "lose answer"; on: number }
  | { do: "partition"; on: number; ends: boolean }
  | { do: "kill"; on: number }
  | { do: "clock"; on: number; offsetSec: number };

const on = fc.nat({ max: MACHINES - 1 });
const id = fc.constantFrom("a", "b", "c");
const taskId = fc.constantFrom("t", "u", "v");
const name = fc.string({ maxLength: 6, unit: "grapheme-ascii" });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("edit" as const),
      on,
      id,
      name,
      field: fc.constantFrom("name" as const, "status" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("replace" as const), on, id, name }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), on, id }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("task" as const), on, id: taskId, under: id, name }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete task" as const), on, id: taskId }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("page" as const),
      id,
      name,
      deletes: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("page's task" as const),
      id: taskId,
      name,
      deletes: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("sync" as const), on }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lose answer" as const), on }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("partition" as const), on, ends: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const), on }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("clock" as const),
      on,
      offsetSec: fc.constantFrom(0, -90, 90, 200, 86_400, -86_400),
    }),
  },
);

const cloud = await Cloud.start();

for (const seed of SEEDS) {
  Deno.test(`Records of ${MACHINES} machines and a cloud converge, seed ${seed}`, async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), converge), {
      seed,
      numRuns: RUNS,
      endOnFailure: true,
    });
  });
}

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());

async function converge(steps: readonly Step[]): Promise<void> {
  await cloud.empty();
  const tokens = memoryTokenStore();
  await using stack = new AsyncDisposableStack();
  const clocks: (Clock & { offsetMs: number })[] = [];
  const machines: Machine[] = [];
  const plugs: Plug[] = [];
  for (let n = 0; n < MACHINES; n++) {
    const clock = offsetClock();
    clocks.push(clock);
    const plug = stack.use(new Plug(cloud.plug.port));
    plugs.push(plug);
    const supabase = { tokens, url: `http://127.0.0.1:${plug.port}` };
    machines.push(stack.use(new Machine(cloud, { clock, tables: TABLES, supabase })));
    await machines[n]!.sync();
  }
  for (const each of steps) await take(each, { machines, clocks, plugs });

  cloud.faults.length = 0;
  for (const plug of plugs) plug.push();
  // A change may have to go round: there, the server's stamp back, and on to the others.
  for (let round = 0; round < 4; round++) {
    for (const machine of machines) await machine.sync();
  }
  const there = await inCloud();
  for (const machine of machines) {
    assert.equal(machine.waiting, 0, JSON.stringify(machine.lane.last_error));
    assert.equal(machine.lane.rows_rejected, 0);
    assert.deepEqual(comparable(machine.all()), there);
  }
  cloud.requests.length = 0;
  for (const machine of machines) await machine.sync();
  assert.ok(cloud.requests.every(({ method }) => method === "GET"), "somebody still pushes");
}

async function take(
  each: Step,
  { machines, clocks, plugs }: {
    machines: Machine[];
    clocks: { offsetMs: number }[];
    plugs: Plug[];
  },
): Promise<void> {
  if (each.do === "page") {
    await cloud.sql(
      `INSERT INTO projects (id, system_id, name) VALUES ($1, 'pc-1', $2)
       ON CONFLICT ON CONSTRAINT projects_pkey DO UPDATE
         SET name = $2, deleted_at = CASE WHEN $3 THEN now() END`,
      [each.id, each.name, each.deletes],
    );
    return;
  }
  if (each.do === "page's task") {
    await cloud.sql(
      "UPDATE tasks SET title = $2, deleted_at = CASE WHEN $3 THEN now() END WHERE id = $1",
      [each.id, each.name, each.deletes],
    );
    return;
  }
  const machine = machines[each.on]!;
  switch (each.do) {
    case "edit":
      if (await machine.get("projects", each.id)) {
        await machine.patch("projects", each.id, { [each.field]: each.name });
      } else {
        await machine.put("projects", each.id, { [each.field]: each.name });
      }
      break;
    case "replace":
      await machine.put("projects", each.id, { name: each.name, data: { by: each.on } });
      break;
    case "delete":
      if (await machine.get("projects", each.id)) {
        // As an application does: a parent that the cloud never saw would leave its children without one.
        for (const task of tasksOf(machine, each.id)) await machine.remove("tasks", task);
        await machine.remove("projects", each.id);
      }
      break;
    case "task":
      if (!await machine.get("projects", each.under)) {
        await machine.put("projects", each.under, { name: each.name });
      }
      await machine.put("tasks", each.id, { project_id: each.under, title: each.name });
      break;
    case "delete task":
      if (await machine.get("tasks", each.id)) await machine.remove("tasks", each.id);
      break;
    case "sync":
      await machine.sync();
      break;
    case "lose answer":
      // Two tables are read first.
      cloud.faults.push({ kind: "none" }, { kind: "none" }, { kind: "reset-after-apply" });
      await machine.sync();
      cloud.faults.length = 0;
      break;
    case "partition":
      if (each.ends) plugs[each.on]!.push();
      else plugs[each.on]!.pull();
      break;
    case "kill":
      await machine.restart();
      break;
    case "clock":
      clocks[each.on]!.offsetMs = each.offsetSec * 1_000;
      if (each.offsetSec % 86_400 === 0) await machine.restart();
  }
}

/** The records that are not deleted, as `table/id` → what they say. */
async function inCloud(): Promise<Record<string, unknown>> {
  const rows = await cloud.sql<{ key: string; own: Record<string, unknown> }>(
    `SELECT 'projects/' || id AS key, to_json(projects) AS own FROM projects WHERE deleted_at IS NULL
     UNION ALL
     SELECT 'tasks/' || id, to_json(tasks) FROM tasks WHERE deleted_at IS NULL ORDER BY 1`,
  );
  return comparable(Object.fromEntries(rows.map(({ key, own }) => [key, own])));
}

/** The tasks of a project that a machine has. */
function tasksOf(machine: Machine, project: string): string[] {
  return Object.entries(machine.all())
    .filter(([key, record]) =>
      key.startsWith("tasks/") && (record as Record<string, Json>).project_id === project
    )
    .map(([key]) => key.slice("tasks/".length));
}

/** A column that was never named has the cloud's default there, and may be missing here. */
function comparable(records: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(records).map(([key, record]) => {
      const { name = null, status = null, data = null, project_id = null, title = null } =
        record as Record<string, unknown>;
      const empty = Object.keys(data ?? {}).length === 0;
      return [key, { name, status, data: empty ? null : data, project_id, title }];
    }),
  );
}

function offsetClock(): Clock & { offsetMs: number } {
  const clock = { ...systemClock, offsetMs: 0, now: () => Date.now() + clock.offsetMs };
  return clock;
}
