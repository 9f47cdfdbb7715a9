/** Changes made on this machine: the row and its queue entry in one transaction. @module */
import {
  type Clock,
  derivedId,
  type Id,
  type Instant,
  instantOf,
  type JsonObject,
  msOf,
  Problem,
} from "../../core/mod.ts";
import type { Queue } from "./queue.ts";
import { flat, type FlatRecord, ownFields, type RecordVersion } from "./record.ts";
import type { LocalRecord } from "./resolve.ts";
import type { Rows } from "./rows.ts";

export interface ChangesOptions {
  rows: Rows;
  queue: Queue;
  clock: Clock;
  ids: () => Id;
  systemId: string;
  /** The cloud's clock less this machine's: stamps are compared with those of other machines. */
  clockOffsetMs: () => number;
}

/** Clock offsets below this are ignored: the cloud's `Date` has whole seconds, and an answer takes time. */
const NOISE_MS = 2_000;

/** Every method is called inside a write. */
export class Changes {
  readonly #options: ChangesOptions;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  /** Replaces the record, or makes it. */
  put(table: string, id: string, fields: JsonObject): { record: FlatRecord; created: boolean } {
    const before = this.#options.rows.find(table, id);
    // The cloud cannot drop a column of a row: a field that is no longer there becomes null.
    const gone = before?.remoteUpdatedAt ? Object.keys(before.data) : [];
    const data = { ...Object.fromEntries(gone.map((name) => [name, null])), ...ownFields(fields) };
    const record = this.#write(table, { id, before, data, deletedAt: null });
    return { record, created: before === undefined || before.deletedAt !== null };
  }

  /**
   * Makes a record under a new id.
   * @param key of a repeated request: it finds the record of the first one
   * @throws {Problem} 422 when the key was used with other fields
   */
  create(
    table: string,
    fields: JsonObject,
    { key }: { key: string | null },
  ): { record: FlatRecord; created: boolean } {
    const { ids, rows, systemId } = this.#options;
    if (key === null) return this.put(table, ids(), fields);
    // Half of the id is derived from the key, half from the fields: a repeated key shows without being stored.
    const ofKey = derivedId(`${systemId} ${table} key ${key}`).slice(0, 19);
    const id = ofKey + derivedId(JSON.stringify(ownFields(fields))).slice(19);
    const known = rows.idWith(table, ofKey);
    if (known === undefined) return this.put(table, id, fields);
    if (known === id) return { record: flat(rows.find(table, id)!), created: false };
    throw new Problem(422, "Idempotency-Key used twice", {
      detail: `A record with other fields was made with the key "${key}". Send a new key with it`,
    });
  }

  /**
   * Changes the given fields and leaves the others.
   * @throws {Problem} 404 when there is no such record
   */
  patch(table: string, id: string, fields: JsonObject): FlatRecord {
    const before = this.#existing(table, id);
    const data = { ...before.data, ...ownFields(fields) };
    return this.#write(table, { id, before, data, deletedAt: null });
  }

  /**
   * Marks the record as deleted.
   * @throws {Problem} 404 when there is no such record
   */
  remove(table: string, id: string): FlatRecord {
    const before = this.#existing(table, id);
    return this.#write(table, { id, before, data: before.data, deletedAt: this.stamp(before) });
  }

  /**
   * Pushes a record unchanged, with a stamp 1 ms after the cloud's. Its own stamp may be why it was refused: the server
   * corrects one from a clock far ahead, to a time that may be too early to win.
   */
  assert(table: string, local: LocalRecord, { over }: { over: Instant }): void {
    const { rows, queue } = this.#options;
    const updatedAt = instantOf(msOf(over) + 1);
    const version: RecordVersion = { ...local, updatedAt };
    const at = instantOf(this.#options.clock.now());
    rows.save(table, version, { before: local });
    queue.add(local.deletedAt === null ? "UPDATE" : "DELETE", table, { record: flat(version), at });
  }

  /** The stamp of a change made now: by the cloud's clock, and later than the version that it replaces. */
  stamp(before: RecordVersion | undefined): Instant {
    const offsetMs = this.#options.clockOffsetMs();
    const now = this.#options.clock.now() + (Math.abs(offsetMs) < NOISE_MS ? 0 : offsetMs);
    return instantOf(before ? Math.max(now, msOf(before.updatedAt) + 1) : now);
  }

  #existing(table: string, id: string): LocalRecord {
    const record = this.#options.rows.find(table, id);
    if (record && record.deletedAt === null) return record;
    throw new Problem(404, "No such record", { detail: `${table} has no record "${id}"` });
  }

  #write(
    table: string,
    { id, before, data, deletedAt }: {
      id: string;
      before: LocalRecord | undefined;
      data: JsonObject;
      deletedAt: Instant | null;
    },
  ): FlatRecord {
    const { rows, queue, systemId, clock } = this.#options;
    const updatedAt = deletedAt ?? this.stamp(before);
    const version = { id, systemId, data, updatedAt, deletedAt };
    rows.save(table, version, { before });
    const operation = deletedAt !== null ? "DELETE" : before === undefined ? "INSERT" : "UPDATE";
    const queued = queue.add(operation, table, {
      record: flat(version),
      at: instantOf(clock.now()),
    });
    if (!queued) rows.remove(table, version);
    return flat(version);
  }
}
