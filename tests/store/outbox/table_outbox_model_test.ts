/**
 * The outbox of a table against a model of it in memory: random lives of rows, undone writers and restarts
 * among them.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Migration } from "../../../src/core/mod.ts";
import { Store, type TableOutbox, tableOutbox } from "../../../src/store/mod.ts";
import { tempDir } from "../../support/temp.ts";

const AT = "2026-03-02T12:00:00.000Z";

const beats: Migration = {
  name: "test-1-beats",
  sql: `
    CREATE TABLE by_id (id TEXT PRIMARY KEY, at TEXT NOT NULL, synced_at TEXT, rejected_at TEXT) WITHOUT ROWID;
    CREATE INDEX by_id_waiting ON by_id (id) WHERE synced_at IS NULL AND rejected_at IS NULL;
    CREATE TABLE by_key (n INTEGER PRIMARY KEY, id TEXT NOT NULL, at TEXT NOT NULL,
      flushed INTEGER NOT NULL DEFAULT 0, rejected_at TEXT);
    CREATE INDEX by_key_waiting ON by_key (n) WHERE flushed = 0 AND rejected_at IS NULL;
    CREATE INDEX by_key_rejected ON by_key (id) WHERE rejected_at IS NOT NULL;
  `,
};

/** What may happen to rows, by the numbers of their making. */
type Step =
  | { do: "add"; count: number }
  | { do: "settle" | "reject" | "readmit" | "discard" | "delete"; rows: readonly number[] }
  | { do: "restart" };

type State = "waiting" | "settled" | "rejected" | "discarded" | "deleted";

const steps = fc.array(
  fc.record({
    undone: fc.boolean(),
    step: fc.oneof(
      fc.record({ do: fc.constant("add" as const), count: fc.integer({ min: 1, max: 3 }) }),
      fc.record({
        do: fc.constantFrom("settle", "reject", "readmit", "discard", "delete"),
        rows: fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 4 }),
      }),
      fc.record({ do: fc.constant("restart" as const) }),
    ) as fc.Arbitrary<Step>,
  }),
  { minLength: 20, maxLength: 60, size: "max" },
);

for (const table of ["by_id", "by_key"] as const) {
  Deno.test(`tableOutbox ${table} does what its model does`, async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        using dir = tempDir();
        const path = `${dir.path}/a.db`;
        let store = new Store(path, { migrations: [beats] });
        let outbox = outboxOf(store, table);
        const model = new Map<string, { state: State; attempts: number }>();
        for (const { step, undone } of plan) {
          if (step.do === "restart") {
            store.close();
            store = new Store(path, { migrations: [beats] });
            outbox = outboxOf(store, table);
          } else {
            await store.write(() => {
              act(store, outbox, { table, step, made: model.size });
              if (undone) throw new Error("changed my mind");
            }).then(() => expect(model, step), () => {});
          }
          compare(store, outbox, model);
        }
        store.close();
      }),
      { numRuns: 30 },
    );
  });
}

function outboxOf(store: Store, table: "by_id" | "by_key"): TableOutbox {
  const common = {
    stream: "playtime",
    table,
    remoteTable: "heartbeats",
    index: `${table}_waiting`,
    columns: [],
    row: ({ id }: Readonly<Record<string, unknown>>) => ({ id: String(id) }),
    instant: "at",
  } as const;
  return tableOutbox(
    store,
    table === "by_id" ? common : { ...common, key: "n", settled: "flushed" },
  );
}

function act(
  store: Store,
  outbox: TableOutbox,
  { table, step, made }: { table: string; step: Exclude<Step, { do: "restart" }>; made: number },
): void {
  if (step.do === "add") {
    const add = store.db.prepare(`INSERT INTO ${table} (id, at) VALUES (?, ?)`);
    for (let i = 0; i < step.count; i++) add.run(idOf(made + i), AT);
    outbox.added(step.count);
    return;
  }
  const ids = step.rows.map(idOf);
  if (step.do === "settle") outbox.settle(ids, AT);
  else if (step.do === "reject") {
    outbox.reject(ids.map((id) => ({ id, message: `no ${id}` })), AT);
  } else if (step.do === "readmit") outbox.readmit(ids);
  else if (step.do === "discard") outbox.discard(ids);
  else {
    const mark = table === "by_id" ? "synced_at IS NULL" : "flushed = 0";
    const remove = store.db.prepare(
      `DELETE FROM ${table} WHERE id = ? AND ${mark} AND rejected_at IS NULL`,
    );
    outbox.removed(ids.reduce((sum, id) => sum + Number(remove.run(id).changes), 0));
  }
}

/** The same in the model. */
function expect(
  model: Map<string, { state: State; attempts: number }>,
  step: Exclude<Step, { do: "restart" }>,
): void {
  if (step.do === "add") {
    for (let i = 0; i < step.count; i++) {
      model.set(idOf(model.size), { state: "waiting", attempts: 0 });
    }
    return;
  }
  for (const id of step.rows.map(idOf)) {
    const row = model.get(id);
    if (!row) continue;
    if (row.state === "waiting") {
      if (step.do === "settle") row.state = "settled";
      if (step.do === "delete") row.state = "deleted";
      if (step.do === "reject") {
        row.state = "rejected";
        row.attempts++;
      }
    } else if (row.state === "rejected") {
      if (step.do === "readmit") row.state = "waiting";
      if (step.do === "discard") row.state = "discarded";
    } else if (row.state === "deleted" && step.do === "settle") {
      // It was on its way when retention deleted it; the cloud has it, so nothing is left to remember.
      row.attempts = 0;
    }
  }
}

function compare(
  store: Store,
  outbox: TableOutbox,
  model: Map<string, { state: State; attempts: number }>,
): void {
  const idsIn = (state: State) =>
    [...model].filter(([, row]) => row.state === state).map(([id]) => id);
  const waiting = idsIn("waiting");
  assert.deepEqual(outbox.pending(1_000).rows.map(({ id }) => id), waiting);
  assert.deepEqual(outbox.pending(2).rows.map(({ id }) => id), waiting.slice(0, 2));
  assert.deepEqual(outbox.depth(), {
    rows: waiting.length,
    oldest: waiting.length > 0 ? AT : null,
  });
  const rejected = store.rejected.list("playtime");
  assert.deepEqual(rejected.map(({ id }) => id), idsIn("rejected"));
  assert.deepEqual(
    rejected.map(({ attempts }) => attempts),
    idsIn("rejected").map((id) => model.get(id)?.attempts),
  );
  assert.equal(store.rejected.count("playtime"), rejected.length);
  const hidden = store.db.prepare("SELECT row_id FROM sync_rejected WHERE readmitted = 1").all();
  const tried = [...model].filter(([, { state, attempts }]) =>
    attempts > 0 && (state === "waiting" || state === "deleted")
  );
  assert.deepEqual(hidden.map(({ row_id }) => row_id), tried.map(([id]) => id));
}

function idOf(n: number): string {
  return `row-${String(n).padStart(4, "0")}`;
}
