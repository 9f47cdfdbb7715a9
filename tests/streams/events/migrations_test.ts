import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { migrations as all } from "../../../src/agent.ts";
import { Store } from "../../../src/store/mod.ts";
import { dump } from "../../upgrade/dump.ts";
import { eventsBench, sampleEvent } from "../../support/events.ts";
import { tempDir, tempStore } from "../../support/temp.ts";

const TABLES = ["local_events", "local_flush_log", "local_state_snapshots"];

/** The rows of the stream's tables as text. */
function rowsIn(path: string): string[] {
  const tables = TABLES.map((table) => `INSERT INTO "${table}"`);
  return dump(path).split("\n").filter((line) => tables.some((start) => line.startsWith(start)))
    .sort();
}

/** A log as it was before keys were unique by mode, of both modes: flushed, waiting, refused. */
function oldLog(path: string): void {
  const before = all.filter(({ name }) => name !== "events-2-keys-by-mode");
  const store = new Store(path, { migrations: before });
  store.db.exec(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
    INSERT INTO local_events (id, mode, ts, seq, source, type, subtype, symbol, body, meta_json, idempotency_key,
        flushed, created_at, rejected_at)
      SELECT 'e-' || i, iif(i % 3 = 0, 'paper', 'live'), '2026-03-02T12:00:00.000Z', i, 'bot', 'TRADE', 'NOTE',
        iif(i % 2, 'AAPL', NULL), 'ü', '{"big":12345678901234567890}', 'k-' || i, i < 20, '2026-03-02T12:00:00.000Z',
        iif(i = 30, '2026-03-03T12:00:00.000Z', NULL) FROM n;
    INSERT INTO local_flush_log (id, ts, mode, count, last_seq, status, error)
      VALUES (7, '2026-03-02T12:00:00.000Z', 'live', 19, 19, 'ok', NULL),
        (9, '2026-03-02T12:00:15.000Z', 'live', 41, 60, 'error', 'status 503');
    INSERT INTO local_state_snapshots (id, mode, ts, state_json)
      VALUES (3, 'live', '2026-03-02T12:00:00.000Z', '{"cash":1}');`);
  store.close();
}

Deno.test("A log of before keeps every row, and its keys are unique by mode from then on", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  oldLog(path);
  const before = rowsIn(path);
  assert.equal(before.length, 60 + 2 + 1);
  const store = new Store(path, { migrations: all });
  try {
    assert.deepEqual(rowsIn(path), before);
    assert.equal(store.db.prepare("PRAGMA integrity_check").get()?.integrity_check, "ok");
    using bench = eventsBench({ store });
    assert.equal(bench.stream.outbox.depth().rows, 40);
    const { accepted } = await bench.post(
      ["live", "paper"].map((mode) => sampleEvent({ mode, idempotency_key: "k-1" })),
    );
    assert.deepEqual(accepted.map(({ seq, duplicate }) => [seq, duplicate]), [
      [1, true],
      [61, false],
    ]);
    const { last_flush_ts, error } = bench.stream.outbox.health("live");
    assert.deepEqual([last_flush_ts, error], ["2026-03-02T12:00:00.000Z", "status 503"]);
  } finally {
    store.close();
  }
});

/** What the design of the event store says, as it stands there but for `IF NOT EXISTS`. */
const OTHER_PROGRAM = `
CREATE TABLE IF NOT EXISTS local_events (
  id TEXT PRIMARY KEY,
  mode TEXT NOT NULL CHECK (mode IN ('paper', 'live')),
  ts TEXT NOT NULL,
  seq INTEGER NOT NULL,
  source TEXT NOT NULL,
  type TEXT NOT NULL,
  subtype TEXT NOT NULL,
  symbol TEXT,
  severity TEXT NOT NULL DEFAULT 'info',
  body TEXT NOT NULL,
  meta_json TEXT DEFAULT '{}',
  idempotency_key TEXT UNIQUE,
  flushed INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL DEFAULT (datetime('now'))
);
CREATE INDEX IF NOT EXISTS idx_local_events_unflushed ON local_events (flushed, seq ASC) WHERE flushed = 0;
CREATE INDEX IF NOT EXISTS idx_local_events_mode_seq ON local_events (mode, seq DESC);
CREATE TABLE IF NOT EXISTS local_flush_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  ts TEXT NOT NULL DEFAULT (datetime('now')),
  mode TEXT NOT NULL,
  count INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  status TEXT NOT NULL,
  error TEXT
);
CREATE TABLE IF NOT EXISTS local_state_snapshots (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  mode TEXT NOT NULL,
  ts TEXT NOT NULL DEFAULT (datetime('now')),
  state_json TEXT NOT NULL
);`;

Deno.test("Another program's own statements work on these tables and change none of them", () => {
  using temp = tempStore(all);
  const { store } = temp;
  const before = dump(store.path);
  const other = new DatabaseSync(store.path);
  try {
    other.exec(OTHER_PROGRAM);
    assert.equal(dump(store.path), before);
    other.exec(`
      INSERT INTO local_events (id, mode, ts, seq, source, type, subtype, symbol, severity, body, meta_json, idempotency_key)
        VALUES ('e-1', 'live', '2026-03-02T12:00:00Z', 1, 'bot', 'TRADE', 'BUY_FILLED', 'AAPL', 'info', 'Bought', '{}', 'k-1');
      INSERT INTO local_events (mode, seq, source, type, subtype, body) VALUES ('live', 2, 'bot', 'LOG', 'TICK', '');
      INSERT INTO local_flush_log (mode, count, last_seq, status) VALUES ('live', 1, 1, 'ok');
      INSERT INTO local_state_snapshots (mode, state_json) VALUES ('live', '{"cash":1}');`);
    const [, second] = other.prepare("SELECT id, ts, created_at FROM local_events ORDER BY seq")
      .all();
    assert.match(String(second?.id), /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/);
    const stamps = [
      ...Object.values(second ?? {}).slice(1),
      other.prepare("SELECT ts FROM local_flush_log").get()?.ts,
      other.prepare("SELECT ts FROM local_state_snapshots").get()?.ts,
    ];
    for (const stamp of stamps) {
      assert.match(String(stamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.ok(Math.abs(Date.parse(String(stamp)) - Date.now()) < 60_000);
    }
  } finally {
    other.close();
  }
});

Deno.test("A number that JavaScript cannot count with is refused where it is inserted", () => {
  using temp = tempStore(all);
  const other = new DatabaseSync(temp.store.path);
  try {
    for (const seq of ["9223372036854775807", "0", "-1", "1.5", "'one'"]) {
      assert.throws(
        () =>
          other.exec(
            `INSERT INTO local_events (mode, seq, source, type, subtype, body)
             VALUES ('live', ${seq}, 'bot', 'LOG', 'TICK', '')`,
          ),
        /CHECK constraint failed/,
        seq,
      );
    }
  } finally {
    other.close();
  }
});
