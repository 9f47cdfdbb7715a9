/**
 * The outbox of events: batches of one mode each, in `seq` order, the modes taking turns; the log of flushes; and the
 * health row with the time of the newest good flush.
 * @module
 */
import type { Attempt, Id, Instant, OutboxBatch, Row } from "../../core/mod.ts";
import type { FlushHealth } from "../../contract/events.ts";
import { LIMIT, type RawRow, type Store, type TableOutbox, tableOutbox } from "../../store/mod.ts";
import { COLUMNS, itemOf, storedEvent } from "./event.ts";
import type { SeqRange } from "./event_log.ts";
import { instantOfText } from "./notation.ts";

export interface FlushOptions {
  deviceId: string;
  /** The cloud's table for events. */
  table: string;
  /** The cloud's table for the health row; null where there is none. */
  healthTable: string | null;
  /** Called before rows are read for the cloud. */
  beforeRead?: () => void;
}

const MAX_LOG_ENTRIES = 1_000;
/** Smaller than any `seq`. */
const BEFORE_ALL = Number.MIN_SAFE_INTEGER;
/** Events counted one by one; more are estimated by their numbers, because `/status` is read often. */
const COUNTED = 100;
/** Rows of another program counted at once, in 0.3 ms. */
const COUNTED_AT_ONCE = 5_000;

export interface EventOutbox extends TableOutbox {
  health(mode: string): FlushHealth;
  /** Another program has inserted these. */
  foundExternal(mode: string, range: SeqRange): void;
}

export function eventOutbox(store: Store, options: FlushOptions): EventOutbox {
  const { deviceId, table, healthTable, beforeRead = () => {} } = options;
  const { db } = store;
  const index = "idx_local_events_unflushed";
  const waiting = "flushed = 0 AND rejected_at IS NULL";
  const row = (raw: RawRow): Row => ({ ...itemOf(storedEvent(raw)), device_id: deviceId });
  const whole = tableOutbox(store, {
    stream: "events",
    table: "local_events",
    remoteTable: table,
    index,
    order: ["mode", "seq"],
    columns: COLUMNS.filter((column) => column !== "id"),
    row,
    instant: "created_at",
    settled: "flushed",
  });

  const columns = COLUMNS.join(", ");
  const from = `FROM local_events INDEXED BY ${index} WHERE ${waiting}`;
  const modeAfter = db.prepare(`SELECT mode ${from} AND mode > ? ORDER BY mode, seq LIMIT 1`);
  const nextAfter = db.prepare(
    `SELECT ${columns} ${from} AND mode = ? AND seq > ? ORDER BY seq ${LIMIT}`,
  );
  const first = db.prepare(`SELECT seq, created_at ${from} AND mode = ? ORDER BY seq LIMIT 1`);
  const last = db.prepare(`SELECT seq ${from} AND mode = ? ORDER BY seq DESC LIMIT 1`);
  const some = db.prepare(`SELECT count(*) AS rows FROM (SELECT 1 ${from} AND mode = ? ${LIMIT})`);
  const within = db.prepare(
    `SELECT count(*) AS rows FROM (
       SELECT 1 ${from} AND mode = ? AND seq > ? AND seq <= ? LIMIT ${COUNTED_AT_ONCE})`,
  );
  const placeOf = db.prepare("SELECT mode, seq FROM local_events WHERE id = ?");
  const log = db.prepare(
    "INSERT INTO local_flush_log (ts, mode, count, last_seq, status, error) VALUES (?, ?, ?, ?, ?, ?)",
  );
  // The last good flush of each mode stays: it has `last_flush_ts`.
  const pruneLog = db.prepare(
    `DELETE FROM local_flush_log AS entry WHERE id <= ? AND (status = 'error' OR EXISTS (
       SELECT 1 FROM local_flush_log AS later INDEXED BY idx_local_flush_log_mode
       WHERE later.mode = entry.mode AND later.status IN ('ok', 'partial') AND later.id > entry.id))`,
  );
  const lastOf = db.prepare(
    "SELECT id, ts FROM local_flush_log WHERE mode = ? AND status = ? ORDER BY id DESC LIMIT 1",
  );
  const lastEntry = db.prepare(
    "SELECT error FROM local_flush_log WHERE mode = ? ORDER BY id DESC LIMIT 1",
  );

  /** The mode that was flushed last. */
  let served = "";
  /** The last event of the newest batch. */
  let given: { mode: string; seq: number } | undefined;
  /** The last event passed over, by mode. */
  const passed = new Map<string, number>();

  const nextMode = (after: string): string | undefined => {
    const found = modeAfter.get(after)?.mode;
    return found === undefined ? undefined : String(found);
  };

  /** The modes with waiting events, beginning with the one after `mode`. */
  function* modesAfter(mode: string): Generator<string> {
    const first = nextMode(mode) ?? nextMode("");
    for (let each = first; each !== undefined;) {
      yield each;
      each = nextMode(each) ?? nextMode("");
      if (each === first) return;
    }
  }

  /** A batch of the first mode with events after those passed over and, in its mode, after `after`. */
  const giveOut = (
    modes: Iterable<string>,
    limit: number,
    after?: { mode: string; seq: number },
  ): OutboxBatch => {
    let found: readonly RawRow[] = [];
    for (const mode of modes) {
      const seq = mode === after?.mode ? after.seq : passed.get(mode) ?? BEFORE_ALL;
      found = nextAfter.all(mode, seq, limit);
      if (found.length > 0) break;
    }
    const last = found.at(-1);
    if (last) given = { mode: String(last.mode), seq: Number(last.seq) };
    return { stream: "events", table, operation: "insert", rows: found.map(row) };
  };

  return {
    ...whole,

    foundExternal(mode, { after, upTo }) {
      const rows = Number(within.get(mode, after, upTo)?.rows);
      if (rows < COUNTED_AT_ONCE) whole.addedElsewhere(rows);
      else whole.recount();
    },

    pending(limit: number): OutboxBatch {
      beforeRead();
      // Another program has flushed or deleted the counted events.
      if (nextMode("") === undefined && whole.depth().rows > 0) whole.recount();
      return giveOut(modesAfter(served), limit);
    },

    // The batch being settled has one mode: its rows are not the first of all that wait.
    pendingAfter(_given: number, limit: number): OutboxBatch {
      beforeRead();
      return giveOut(modesAfter(given?.mode ?? ""), limit, given);
    },

    passOver(ids: readonly Id[]): void {
      for (const id of ids) {
        const place = placeOf.get(id);
        if (place) passed.set(String(place.mode), Number(place.seq));
      }
    },

    startOver(): void {
      passed.clear();
    },

    depth() {
      let oldest: Instant | null = null;
      for (let mode = nextMode(""); mode !== undefined; mode = nextMode(mode)) {
        const since = instant(first.get(mode)?.created_at);
        if (oldest === null || since < oldest) oldest = since;
      }
      return { rows: whole.depth().rows, oldest };
    },

    attempted({ at, batch, status, error }: Attempt): OutboxBatch | undefined {
      const { mode, seq }: Partial<Row> = batch.rows.at(-1) ?? {};
      if (batch.table !== table || typeof mode !== "string" || typeof seq !== "number") {
        return undefined;
      }
      const entry = log.run(at, mode, batch.rows.length, seq, status, error ?? null);
      pruneLog.run(Number(entry.lastInsertRowid) - MAX_LOG_ENTRIES);
      served = mode;
      if (status === "error" || healthTable === null) return undefined;
      return {
        stream: "events",
        table: healthTable,
        operation: "insert",
        rows: [{ id: mode, mode, last_flush_ts: at }],
      };
    },

    health(mode: string): FlushHealth {
      const oldest = first.get(mode);
      const counted = Number(some.get(mode, COUNTED)?.rows);
      return {
        last_flush_ts: latest([lastOf.get(mode, "ok")?.ts, lastOf.get(mode, "partial")?.ts]),
        unflushed: counted < COUNTED
          ? counted
          : Math.min(Number(last.get(mode)?.seq) - Number(oldest?.seq) + 1, whole.depth().rows),
        oldest_unflushed: oldest ? instant(oldest.created_at) : null,
        error: (lastEntry.get(mode)?.error ?? null) as string | null,
      };
    },
  };
}

/** Another program may write times in another notation. */
function instant(text: unknown): Instant {
  return instantOfText(String(text)) ?? String(text);
}

function latest(instants: readonly unknown[]): Instant | null {
  return instants.filter((instant) => typeof instant === "string").sort().at(-1) ?? null;
}
