/** The first seam: what a folder under `streams/` gives. A stream never sees a remote. @module */
import type { Notifier } from "./time/notifier.ts";
import type { Instant } from "./time/clock.ts";
import type { Id } from "./ids.ts";
import type { JsonObject } from "./json/json.ts";
import type { Route } from "./http/route.ts";

export type StreamName = "playtime" | "events" | "attendance" | "records";

/** A change of the database, applied once and remembered by its name. */
export interface Migration {
  /** `playtime-1-heartbeats`: stream, number, what it does. Never renamed once released. */
  name: string;
  /** Runs inside a transaction of its own. */
  sql: string;
}

/** What one folder under `streams/` gives the agent. */
export interface Stream {
  name: StreamName;
  /** What is waiting for the cloud. */
  outbox?: Outbox;
  /** What the cloud sends back. */
  inbox?: Inbox | undefined;
  /** When the outbox is pushed; every outbox has one. */
  schedule?: Schedule;
  routes?: readonly Route[];
  /** What the stream adds to `/status`; called often, so it answers from memory or by key. */
  status?(): Readonly<Record<string, unknown>>;
  /** What the stream adds to `/metrics`. */
  gauges?(): readonly Gauge[];
  /** What the stream adds to this machine's row in the cloud's table `devices`. */
  deviceColumns?(): Readonly<Record<string, unknown>>;
  /** Appends an event of the agent itself to the log: only events has one. Called inside `write`. */
  log?(event: AgentEvent): Readonly<Record<string, unknown>> | undefined;
  /** The stream's own work, until the signal aborts. */
  run?(signal: AbortSignal): Promise<void>;
  /** One round of that work, for `--once`; what it records is published by the hub. */
  pollOnce?(): Promise<unknown>;
  /** The configuration has changed: what was derived from it is derived again. */
  configured?(): void;
  /** What `sync reset` means to the stream beyond its lane. */
  reset?: StreamReset;
  /** Deletes what retention allows while the budget lasts, inside `write`; called again while `more`. */
  prune?(now: Instant, budget: Budget): PruneResult;
}

/** Something that the agent itself reports in the event log. It is in the cloud as fast as a critical event. */
export interface AgentEvent {
  ts: Instant;
  type: string;
  subtype: string;
  symbol: string | null;
  severity: "info" | "warning";
  /** A sentence for people. */
  body: string;
  meta: JsonObject;
  /** A second event with the same key is not stored. */
  idempotency_key: string;
}

/** Gives up what was not pushed: records read everything again. */
export interface StreamReset {
  run(): Promise<unknown>;
  /** How many changes that no cloud has would be lost by it. */
  loses(): number;
}

/** A number that goes up and down. */
export interface Gauge {
  /** In Prometheus' manner, without the agent's prefix: `playing`. */
  name: string;
  /** What it is, in a sentence. */
  help: string;
  value: number;
}

/** When a lane pushes. */
export interface Schedule {
  /** Asked before every wait: how long until the next push. */
  intervalMs(): number;
  /** The most rows a push takes. */
  batchSize: number;
  /** The most rows of one round; where more wait, the next follows at once. Without it a round goes to the end. */
  roundSize?: number;
  /** Rung when something must not wait for the timer. */
  wake?: Notifier;
}

/** A row on its way to the cloud. `id` makes a repeated push harmless. */
export type Row = Readonly<Record<string, unknown>> & { readonly id: Id };

/** Rows that go in one request: of one table, by one operation, oldest first. */
export interface OutboxBatch {
  stream: StreamName;
  /** The cloud's table: `heartbeats`, `zoe_events`, `punches`, a table of records. */
  table: string;
  operation: "insert" | "update" | "delete";
  rows: readonly Row[];
}

/** A row the cloud will not have, and why. */
export interface Rejection {
  id: Id;
  /** HTTP status, where there was one. */
  status?: number | undefined;
  /** The cloud's own code, such as an SQLSTATE. */
  code?: string | undefined;
  message: string;
}

/** How a push ended. */
export interface Attempt {
  at: Instant;
  batch: OutboxBatch;
  status: "ok" | "partial" | "error";
  error?: string;
}

/**
 * Rows no cloud has accepted yet, oldest first. Synchronous, because the database is; what writes is called
 * inside a transaction. A rejected row is no longer pending and lies in `sync_rejected` until someone
 * decides. Every id is one that `pending` gave out; an unknown or settled one is ignored.
 */
export interface Outbox {
  /** The cloud tables whose rows it gives out, where there are several: one that fails does not stop the others. */
  tables?: readonly string[];
  /**
   * The next batch of at most `limit` rows; `rows` is empty when nothing waits. Reads only. An outbox of
   * several cloud tables leaves out those in `skip`: one that cannot be pushed to must not stop the others.
   */
  pending(limit: number, options?: { skip?: ReadonlySet<string> }): OutboxBatch;
  /**
   * The batch after the first `given` rows that wait: for an outbox that can give out the next batch while
   * the one before is being settled. A row that is given out twice is sent twice, no worse.
   */
  pendingAfter?(given: number, limit: number): OutboxBatch;
  /**
   * Rows of the newest batch that the cloud wants another time: `pending` gives out what comes after the last of
   * them, until `startOver`. However many they are, they are remembered as one place in the order.
   */
  passOver?(ids: readonly Id[]): void;
  /** Everything that waits is given out again. */
  startOver?(): void;
  /** The cloud has these. */
  settle(ids: readonly Id[], at: Instant): void;
  /** The cloud kept these rows of its own in the place of those that were pushed: the last write won. */
  yieldTo?(rows: readonly Row[], at: Instant): void;
  /** The cloud will never have these as they are. */
  reject(rejections: readonly Rejection[], at: Instant): void;
  /** Rejected rows are to be tried again. */
  readmit(ids: readonly Id[]): void;
  /** Rejected rows are given up: they stay on this machine and are never sent. */
  discard(ids: readonly Id[]): void;
  /** How much waits. Cheap at any size. */
  depth(): { rows: number; oldest: Instant | null };
  /** Told of every attempt; a batch it returns (a health row) is pushed once and not settled. */
  attempted?(attempt: Attempt): OutboxBatch | undefined;
}

/** A place in a table of the cloud: everything up to this row has been read. */
export interface Cursor {
  updatedAt: Instant;
  id: Id;
}

/** Rows read from one table of the cloud, in `(updated_at, id)` order. */
export interface Page {
  table: string;
  rows: readonly Row[];
  /** Where the next page begins. */
  cursor: Cursor | null;
  /** Whether another page may follow. */
  more: boolean;
  /** With a table's first page: how many rows there are, where the remote said. */
  total?: number | null;
  /** Now and then: how many rows have no stamp to be read by, and so are left out. */
  unstamped?: number | null;
}

/** How far a reading from the beginning has come. */
export interface Reading {
  table: string;
  /** Rows read so far, and how many there are; null when the remote did not say. */
  rows: number;
  total: number | null;
  /** Tables that have been read, and how many there are. */
  tables_done: number;
  tables: number;
}

export interface ApplyResult {
  applied: number;
  conflicts: number;
  /** Whether work is left, for as long as it may take: the page is to be applied again, without its rows. */
  more?: boolean;
}

/** Takes what the cloud sends. */
export interface Inbox {
  tables: readonly string[];
  cursor(table: string): Cursor | null;
  /** Rows, cursor and conflicts in one transaction; what is applied never becomes a local change. */
  apply(page: Page): ApplyResult;
  /** How far it is where a table is being read from its beginning; null otherwise. */
  reading?(): Reading | null;
}

/** How long a slice of background work may hold the event loop. */
export interface Budget {
  /** Whether there is time for another step. */
  left(): boolean;
}

export interface PruneResult {
  deleted: number;
  /** Whether the budget ended before the work did. */
  more: boolean;
}
