/**
 * The log in the database: appends with a `seq` per mode and reads by it. The newest event of a mode is never
 * deleted, so that the count goes on where it stood, whatever retention took.
 * @module
 */
import { type Clock, type Id, type Instant, instantOf } from "../../core/mod.ts";
import type { AcceptedEvent } from "../../contract/events.ts";
import { LIMIT, type Statement, type Store } from "../../store/mod.ts";
import { COLUMNS, type NewEvent, type StoredEvent, storedEvent } from "./event.ts";
import { seqFloor } from "./skip_seq.ts";

/** Events after their insertion. Builds the stored event lazily: most writes have no subscriber. */
export class Appended {
  readonly events: readonly NewEvent[];
  /** What became of each, in their order. */
  readonly accepted: readonly AcceptedEvent[];
  readonly #at: Instant;

  constructor(events: readonly NewEvent[], accepted: readonly AcceptedEvent[], at: Instant) {
    this.events = events;
    this.accepted = accepted;
    this.#at = at;
  }

  /** The stored event at an index of the list; undefined for a duplicate. */
  stored(index: number): StoredEvent | undefined {
    const event = this.events[index];
    const accepted = this.accepted[index];
    if (!event || !accepted || accepted.duplicate) return undefined;
    const { id, seq, idempotency_key } = accepted;
    return { ...event, id, seq, idempotency_key, ts: event.ts ?? this.#at };
  }
}

/** Sequence numbers of a mode: above `after`, up to and including `upTo`. */
export interface SeqRange {
  after: number;
  upTo: number;
}

/** What a repeated event has in common with the first. */
const COMPARED = ["mode", "type", "subtype", "symbol", "body"] as const;

/** Sequence numbers that a filter scans before it yields to other work. */
const WINDOW = 1_000;

export interface EventFilter {
  type?: string | undefined;
  subtype?: string | undefined;
  severity?: string | undefined;
}

export interface EventLogOptions {
  clock: Clock;
  ids: () => Id;
}

export class EventLog {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #ids: () => Id;
  readonly #insert: Statement;
  readonly #byKey: Statement;
  readonly #byId: Statement;
  readonly #maxSeq: Statement;
  readonly #page: Statement;
  readonly #span: Statement;
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
    this.#insert = db.prepare(
      `INSERT INTO local_events (${columns}, created_at)
       VALUES (${COLUMNS.map(() => "?").join(", ")}, ?) ON CONFLICT DO NOTHING`,
    );
    const known =
      "SELECT id, mode, seq, type, subtype, symbol, body, idempotency_key FROM local_events";
    this.#byKey = db.prepare(`${known} WHERE mode = ? AND idempotency_key = ?`);
    this.#byId = db.prepare(`${known} WHERE id = ?`);
    this.#maxSeq = db.prepare("SELECT max(seq) AS seq FROM local_events WHERE mode = ?");
    this.#page = db.prepare(
      `SELECT ${columns} FROM local_events WHERE mode = ? AND seq > ? ORDER BY seq ${LIMIT}`,
    );
    this.#span = db.prepare(
      `SELECT ${columns} FROM local_events WHERE mode = ? AND seq > ? AND seq <= ? ORDER BY seq`,
    );
    this.#filtered = db.prepare(
      `SELECT ${columns} FROM local_events
       WHERE mode = ?1 AND seq > ?2 AND seq <= ?3 AND (?4 IS NULL OR type = ?4)
         AND (?5 IS NULL OR subtype = ?5) AND (?6 IS NULL OR severity = ?6)
       ORDER BY seq`,
    );
    this.#next = db.prepare("SELECT min(seq) AS seq FROM local_events WHERE mode = ? AND seq > ?");
  }

  /** The newest committed `seq` of a mode, or the one that new ones begin after; 0 before the first event. */
  lastSeq(mode: string): number {
    let seq = this.#lastSeq.get(mode);
    if (seq === undefined) {
      seq = Math.max(Number(this.#maxSeq.get(mode)?.seq ?? 0), seqFloor(this.#store));
      this.#lastSeq.set(mode, seq);
    }
    return seq;
  }

  /** What another program has added to a mode beyond its last `seq`; from then on numbers are above it. */
  findExternal(mode: string): SeqRange | undefined {
    const after = this.lastSeq(mode);
    const upTo = Number(this.#maxSeq.get(mode)?.seq ?? 0);
    if (upTo <= after) return undefined;
    this.#lastSeq.set(mode, upTo);
    return { after, upTo };
  }

  /** Appends events, the next `seq` of its mode to each new one; called inside `write`. */
  append(events: readonly NewEvent[]): Appended {
    const at = instantOf(this.#clock.now());
    const seqs = new Map<string, number>();
    const accepted = events.map((event): AcceptedEvent => {
      const { mode } = event;
      const seq = (seqs.get(mode) ?? this.lastSeq(mode)) + 1;
      const id = event.id ?? this.#ids();
      const key = event.idempotency_key ?? id;
      if (!this.#insertNew(event, { id, seq, key, at })) return this.#known(event, { id, key });
      seqs.set(mode, seq);
      return { id, seq, idempotency_key: key, duplicate: false };
    });
    this.#store.afterCommit(() => {
      for (const [mode, seq] of seqs) this.#lastSeq.set(mode, seq);
    });
    return new Appended(events, accepted, at);
  }

  /** At most `limit` events of a mode after a `seq`, in order. */
  page(mode: string, { since, limit }: { since: number; limit: number }): StoredEvent[] {
    return this.#page.all(mode, since, limit).map(storedEvent);
  }

  /** Events of a mode after one `seq` and up to another, in order, as many as are taken. */
  *span(
    mode: string,
    { since, until = Number.MAX_SAFE_INTEGER }: { since: number; until?: number | undefined },
  ): Generator<StoredEvent> {
    for (const row of this.#span.iterate(mode, since, until)) yield storedEvent(row);
  }

  /**
   * As `span`, those that pass a filter, and a bare `seq` after each window of numbers that was scanned, so that
   * the caller can give others their turn.
   */
  *filtered(
    mode: string,
    { since, until = this.lastSeq(mode), filter }: {
      since: number;
      until: number | undefined;
      filter: EventFilter;
    },
  ): Generator<StoredEvent | number> {
    const { type = null, subtype = null, severity = null } = filter;
    for (let after = since; after < until;) {
      const first = this.#next.get(mode, after)?.seq;
      if (typeof first !== "number") return;
      const last = Math.min(until, first + WINDOW - 1);
      for (const row of this.#filtered.iterate(mode, after, last, type, subtype, severity)) {
        yield storedEvent(row);
      }
      yield after = last;
    }
  }

  /** Whether the event was not there yet. */
  #insertNew(
    event: NewEvent,
    { id, seq, key, at }: { id: Id; seq: number; key: string; at: Instant },
  ): boolean {
    const stored: StoredEvent = { ...event, id, seq, ts: event.ts ?? at, idempotency_key: key };
    return this.#insert.run(...COLUMNS.map((column) => stored[column]), at).changes === 1;
  }

  /** The event that was stored first under this key or id. */
  #known(event: NewEvent, { id, key }: { id: Id; key: string }): AcceptedEvent {
    const first = this.#byKey.get(event.mode, key) ?? this.#byId.get(id);
    if (!first) throw new Error("Cannot store an event: its number is taken");
    const same = COMPARED.every((field) => first[field] === event[field]);
    return {
      id: String(first.id),
      seq: Number(first.seq),
      idempotency_key: String(first.idempotency_key ?? first.id),
      duplicate: true,
      ...(same ? {} : { mismatch: true }),
    };
  }
}
