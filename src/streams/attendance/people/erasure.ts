/**
 * Erases what is kept of one person. The name goes last, so that an erasure that broke off can be asked for again.
 * @module
 */
import type { Erased, Person } from "../../../contract/attendance.ts";
import type { Store, TableOutbox } from "../../../store/mod.ts";
import type { People } from "../storage/people.ts";
import { eventPageEnd } from "./event_pages.ts";

export interface ErasureOptions {
  store: Store;
  people: People;
  punches: TableOutbox;
  corrections: TableOutbox;
  /** Whether a cloud has people: rows without names then stay until it has erased them too. */
  cloud: boolean;
  /** What devices were asked to do for these ids is deleted: it is not sent, and no outcome is kept. */
  forgetCommands: (ids: readonly string[]) => void;
}

/** Rows of one write: about 3 ms. */
const SLICE_ROWS = 100;

/** Where a cloud has people, a row without a name stays, with the time of the erasure: the cloud erases by it. */
export async function erase(
  { person_id }: Person,
  { store, people, punches, corrections, cloud, forgetCommands }: ErasureOptions,
): Promise<Erased> {
  const { db } = store;
  const ids = people.idsOf(person_id);
  const erased: Erased = { person_id, ids: [...ids], punches: 0, corrections: 0, events: 0 };
  /** Deletes the rows of an id, in slices. */
  const removeAll = async (id: string, table: string, outbox: TableOutbox) => {
    const remove = db.prepare(
      `DELETE FROM ${table} WHERE rowid IN
         (SELECT rowid FROM ${table} INDEXED BY ${table}_person WHERE person_id = ? LIMIT ${SLICE_ROWS})
       RETURNING id, synced_at IS NULL AND rejected_at IS NULL AS waited`,
    );
    let removed = 0;
    for (let more = true; more;) {
      await store.write(() => {
        const rows = remove.all(id);
        const rowIds = rows.map((row) => String(row.id));
        outbox.removed(rows.filter(({ waited }) => waited === 1).length);
        outbox.discard(rowIds);
        store.rejected.accepted("attendance", rowIds);
        more = rows.length > 0;
        store.afterCommit(() => removed += rows.length);
      });
    }
    return removed;
  };
  for (const id of ids) {
    erased.punches += await removeAll(id, "device_logs", punches);
    erased.corrections += await removeAll(id, "punch_corrections", corrections);
  }
  const ofPerson = "person_id IN (SELECT value FROM json_each(?))";
  const removeCommands = db.prepare(`DELETE FROM device_commands WHERE ${ofPerson}`);
  await store.write(() => {
    removeCommands.run(JSON.stringify(ids));
    store.afterCommit(() => forgetCommands(ids));
  });
  const removeEvents = db.prepare(
    `DELETE FROM device_events WHERE seq > ? AND seq <= ? AND ${ofPerson}`,
  );
  const endOfEvents = eventPageEnd(db);
  for (let from = 0, to; (to = endOfEvents(from)) !== undefined; from = to) {
    const page = [from, to] as const;
    erased.events += await store.write(() =>
      Number(removeEvents.run(...page, JSON.stringify(ids)).changes)
    );
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await store.write(() => people.erase(person_id, { keepRow: cloud }), { durable: true });
  return erased;
}
