/**
 * Erases what is kept of one person. The name goes last, so that an erasure that broke off can be asked for again.
 * @module
 */
import type { Erased, Person } from "../../../contract/attendance.ts";
import type { Store, TableOutbox } from "../../../store/mod.ts";
import type { People } from "../storage/people.ts";
import { eventPageEnd } from "./event_pages.ts";

export interface ErasureOptions {
  people: People;
  outbox: TableOutbox;
  /** Whether a cloud is to learn of it: rows without names then stay until it has. */
  cloud: boolean;
  /** What devices were asked to do for these ids is deleted: it is not sent, and no outcome is kept. */
  forgetCommands: (ids: readonly string[]) => void;
}

/** Rows of one write: about 3 ms. */
const SLICE_ROWS = 100;
/**
 * Erases what is kept of a person on this machine. Where there is a cloud, a row without a name stays, with the time of
 * the erasure; nothing is removed from the cloud.
 */
export async function erase(
  { person_id }: Person,
  { store, people, outbox, cloud, forgetCommands }: ErasureOptions & { store: Store },
): Promise<Erased> {
  const { db } = store;
  const ids = people.idsOf(person_id);
  const erased: Erased = { person_id, ids: [...ids], punches: 0, corrections: 0, events: 0 };
  const removePunches = db.prepare(
    `DELETE FROM device_logs WHERE seq IN
       (SELECT seq FROM device_logs INDEXED BY device_logs_person WHERE person_id = ? LIMIT ${SLICE_ROWS})
     RETURNING id, synced_at IS NULL AND rejected_at IS NULL AS waited`,
  );
  for (const id of ids) {
    for (let more = true; more;) {
      await store.write(() => {
        const rows = removePunches.all(id);
        const punchIds = rows.map((row) => String(row.id));
        outbox.removed(rows.filter(({ waited }) => waited === 1).length);
        outbox.discard(punchIds);
        store.rejected.accepted("attendance", punchIds);
        more = rows.length > 0;
        store.afterCommit(() => erased.punches += rows.length);
      });
    }
  }
  const ofPerson = "person_id IN (SELECT value FROM json_each(?))";
  const removeCorrections = db.prepare(`DELETE FROM punch_corrections WHERE ${ofPerson}`);
  const removeCommands = db.prepare(`DELETE FROM device_commands WHERE ${ofPerson}`);
  erased.corrections = await store.write(() => {
    removeCommands.run(JSON.stringify(ids));
    store.afterCommit(() => forgetCommands(ids));
    return Number(removeCorrections.run(JSON.stringify(ids)).changes);
  });
  const removeEvents = db.prepare(
    `DELETE FROM device_events WHERE seq > ? AND seq <= ?
     AND person_id IN (SELECT value FROM json_each(?))`,
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
