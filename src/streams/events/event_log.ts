/**
 * The log in the database: appends with a `seq` per mode and reads by it. The newest event of a mode is never
 * deleted, so that the count goes on where it stood, whatever retention took.
 * @module
 */
import { type Clock, type Id, instantOf } from "../../core/mod.ts";
import type { Statement, Store } from "../../store/mod.ts";
import { COLUMNS, type NewEvent, type StoredEvent } from "./event.ts";

/** What became of an event: stored, or known already by its `idempotency_key`. */
export interface Accepted {
  id: Id;
  seq: number;
  idempotency_key: string;
  duplicate: boolean;
}

export interface Appended {
  /** One for each event, in their order. */
  accepted: readonly Accepted[];
  /** Those that are new. */
  stored: readonly StoredEvent[];
}

export interface EventFilter {
  type?: string | undefined;
  subtype?: string | undefined;
  severity?: string | undefined;
}

export interface EventLogOptions {
  clock: Clock;
  ids: () => Id;
}

/** Rows of one statement: a long list in one costs a fifth less than one by one. */
const MANY = 100;
const PARAMETERS = COLUMNS.length + 1;

export class EventLog {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #ids: () => Id;
  readonly #insertOne: Statement;
  readonly #insertMany: Statement;
  readonly #removeAfter: Statement;
  readonly #byKey: Statement;
  readonly #maxSeq: Statement;
  readonly #page: Statement;
  readonly #filtered: Statement;
  readonly #next: Statement;
  /** The newest committed `seq` of each mode. */
  readonly #lastSeq = new Map<string, number>();

  constructor(store: Store, { clock, ids }: EventLogOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#ids = ids;
    const { db } = store;
    const columns = COLUMNS.join(", ");
    const insert = (rows: number) => {
      const row = `(${Array(PARAMETERS).fill("?").join(", ")})`;
      return db.prepare(
        `INSERT INTO local_events (${columns}, created_at) VALUES ${
          Array(rows).fill(row).join(", ")
        }
         ON CONFLICT (idempotency_key) DO NOTHING`,
      );
    };
    this.#insertOne = insert(1);
    this.#insertMany = insert(MANY);
    this.#removeAfter = db.prepare("DELETE FROM local_events WHERE mode = ? AND seq > ?");
    this.#byKey = db.prepare("SELECT id, seq FROM local_events WHERE idempotency_key = ?");
    this.#maxSeq = db.prepare("SELECT max(seq) AS seq FROM local_events WHERE mode = ?");
    this.#page = db.prepare(
      `SELECT ${columns} FROM local_events WHERE mode = ? AND seq > ? ORDER BY seq LIMIT ?`,
    );
    this.#filtered = db.prepare(
      `SELECT ${columns} FROM local_events
       WHERE mode = ?1 AND seq > ?2 AND seq <= ?3 AND (?4 IS NULL OR type = ?4)
         AND (?5 IS NULL OR subtype = ?5) AND (?6 IS NULL OR severity = ?6)
       ORDER BY seq LIMIT ?7`,
    );
    this.#next = db.prepare("SELECT min(seq) AS seq FROM local_events WHERE mode = ? AND seq > ?");
  }

  /** The newest committed `seq` of a mode; 0 before its first event. */
  lastSeq(mode: string): number {
    let seq = this.#lastSeq.get(mode);
    if (seq === undefined) {
      seq = Number(this.#maxSeq.get(mode)?.seq ?? 0);
      this.#lastSeq.set(mode, seq);
    }
    return seq;
  }

  /** Appends events, the next `seq` of its mode to each new one; called inside `write`. */
  append(events: readonly NewEvent[]): Appended {
    const at = instantOf(this.#clock.now());
    const seqs = new Map<string, number>();
    const accepted: Accepted[] = [];
    const stored: StoredEvent[] = [];
    const add = (event: StoredEvent) => {
      accepted.push(acceptedOf(event));
      stored.push(event);
    };
    for (let from = 0; from < events.length; from += MANY) {
      const some = events.slice(from, from + MANY);
      if (some.length === MANY) {
        const before = new Map(seqs);
        const many = some.map((event) => this.#numbered(event, at, seqs));
        if (
          this.#insertMany.run(...many.flatMap((event) => [...values(event), at])).changes === MANY
        ) {
          for (const event of many) add(event);
          continue;
        }
        // One is known already: its number must not be lost, so these are taken back and come one by one.
        for (const mode of seqs.keys()) {
          const seq = before.get(mode) ?? this.lastSeq(mode);
          this.#removeAfter.run(mode, seq);
          seqs.set(mode, seq);
        }
      }
      for (const event of some) {
        const next = this.#numbered(event, at, seqs);
        if (this.#insertOne.run(...values(next), at).changes === 1) {
          add(next);
          continue;
        }
        seqs.set(event.mode, next.seq - 1);
        accepted.push(this.#known(next.idempotency_key));
      }
    }
    this.#store.afterCommit(() => {
      for (const [mode, seq] of seqs) this.#lastSeq.set(mode, seq);
    });
    return { accepted, stored };
  }

  /** At most `limit` events of a mode after a `seq`, in order. */
  page(mode: string, { since, limit }: { since: number; limit: number }): StoredEvent[] {
    // The columns are the fields.
    return this.#page.all(mode, since, limit) as unknown as StoredEvent[];
  }

  /**
   * The events that pass a filter among the next `window` numbers after `since`, and the number up to which
   * they were looked through; the caller goes on from there.
   */
  filteredPage(
    mode: string,
    options: { since: number; limit: number; window: number; filter: EventFilter },
  ): { events: StoredEvent[]; until: number } {
    const { since, limit, window, filter } = options;
    const { type = null, subtype = null, severity = null } = filter;
    const first = this.#next.get(mode, since)?.seq;
    if (typeof first !== "number") return { events: [], until: this.lastSeq(mode) };
    const until = first + window - 1;
    const events = this.#filtered
      .all(mode, since, until, type, subtype, severity, limit) as unknown as StoredEvent[];
    return { events, until: events.length === limit ? events.at(-1)!.seq : until };
  }

  #numbered(event: NewEvent, at: string, seqs: Map<string, number>): StoredEvent {
    const { mode, ts, source, type, subtype, symbol, severity, body, metaJson } = event;
    const seq = (seqs.get(mode) ?? this.lastSeq(mode)) + 1;
    seqs.set(mode, seq);
    const id = this.#ids();
    return {
      id,
      ts: ts ?? at,
      seq,
      source,
      type,
      subtype,
      symbol,
      severity,
      body,
      meta_json: metaJson,
      mode,
      idempotency_key: event.idempotencyKey ?? id,
    };
  }

  #known(key: string): Accepted {
    const first = this.#byKey.get(key);
    return {
      id: String(first?.id),
      seq: Number(first?.seq),
      idempotency_key: key,
      duplicate: true,
    };
  }
}

function acceptedOf({ id, seq, idempotency_key }: StoredEvent): Accepted {
  return { id, seq, idempotency_key, duplicate: false };
}

function values(event: StoredEvent): (string | number | null)[] {
  return COLUMNS.map((column) => event[column]);
}
