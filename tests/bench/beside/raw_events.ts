/**
 * The log of events without the agent: its table and indexes as the agent's own migrations make them, and one
 * prepared statement.
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { migrations } from "../../../src/agent.ts";
import { Store } from "../../../src/store/mod.ts";

export interface RawEvents {
  db: DatabaseSync;
  insert: StatementSync;
}

/** Makes the database and opens it as the agent does: a write-ahead log, not synced by every commit. */
export function openRawEvents(path: string): RawEvents {
  new Store(path, { migrations }).close();
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=1000");
  const insert = db.prepare(
    `INSERT INTO local_events (id, seq, created_at, meta_json,
       mode, ts, source, type, subtype, symbol, severity, body, idempotency_key)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return { db, insert };
}

/** What an event brings along, in the order of {@link RawEvents.insert}. */
const GIVEN = [
  "mode",
  "ts",
  "source",
  "type",
  "subtype",
  "symbol",
  "severity",
  "body",
  "idempotency_key",
];

/** What {@link RawEvents.insert} stores of an event that has all its fields. */
export function rawEventRow(
  event: Readonly<Record<string, unknown>>,
  seq: number,
): (string | number | null)[] {
  // Ids in the order of their making, as the agent's are.
  const id = `019cae44-0000-7000-8000-${seq.toString(16).padStart(12, "0")}`;
  const at = new Date().toISOString();
  // Only events of the bench come here: all texts.
  const given = GIVEN.map((name) => event[name] as string | null);
  return [id, seq, at, JSON.stringify(event.meta), ...given];
}
