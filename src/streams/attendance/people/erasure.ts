/**
 * What is kept of one person: to be handed out, and to be erased. The name goes last, so that an erasure that broke off
 * can be asked for again.
 * @module
 */
import type { Erased, Person } from "../../../contract/attendance.ts";
import { inSlices, type RawRow, type Store, type TableOutbox } from "../../../store/mod.ts";
import type { People } from "../storage/people.ts";

export interface ErasureOptions {
  people: People;
  outbox: TableOutbox;
  /** Whether a cloud is to learn of it: rows without names then stay until it has. */
  cloud: boolean;
  /** What devices were asked to do for these ids is deleted: it is not sent, and no outcome is kept. */
  forgetCommands: (ids: readonly string[]) => void;
}

/** What is kept of a person, by table. */
export interface Dossier extends Record<string, unknown> {
  person: Person;
  device_names: RawRow[];
  punches: RawRow[];
  corrections: RawRow[];
  commands: RawRow[];
  events: RawRow[];
}

/** Rows of one write: about 3 ms. */
const SLICE_ROWS = 100;
/** Rows that are looked at where no index leads to a person's: about 1 ms. */
const PAGE_ROWS = 1_000;

/** Everything that is kept of a person. */
export async function dossierOf(
  person: Person,
  { store: { db }, people }: { store: Store; people: People },
): Promise<Dossier> {
  const ids = people.idsOf(person.person_id);
  const names = db.prepare(
    "SELECT device_sn, person_id, name FROM device_names WHERE person_id = ?",
  );
  const page = db.prepare(
    `SELECT * FROM device_logs INDEXED BY device_logs_person
     WHERE person_id = ? AND (punched_at, seq) > (?, ?) ORDER BY punched_at, seq LIMIT ${SLICE_ROWS}`,
  );
  const punches: RawRow[] = [];
  for (const id of ids) {
    let last: RawRow | undefined;
    await inSlices(() => {
      const rows = page.all(id, String(last?.punched_at ?? ""), Number(last?.seq ?? 0));
      punches.push(...rows);
      last = rows.at(-1);
      return last !== undefined;
    });
  }
  const events: RawRow[] = [];
  const some = db.prepare(
    `SELECT * FROM device_events WHERE seq > ? AND seq <= ?
     AND person_id IN (SELECT value FROM json_each(?))`,
  );
  await eachEventPage(db, (from, to) => {
    events.push(...some.all(from, to, JSON.stringify(ids)));
    return Promise.resolve();
  });
  const corrections = db.prepare("SELECT * FROM punch_corrections WHERE person_id = ?");
  const commands = db.prepare("SELECT * FROM device_commands WHERE person_id = ?");
  return {
    person,
    device_names: ids.flatMap((id) => names.all(id)),
    punches,
    corrections: ids.flatMap((id) => corrections.all(id)),
    commands: ids.flatMap((id) => commands.all(id)),
    events,
  };
}

/** Erases what is kept of a person here, and has the cloud learn that it is to be erased there. */
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
  await eachEventPage(db, async (from, to) => {
    erased.events += await store.write(() =>
      Number(removeEvents.run(from, to, JSON.stringify(ids)).changes)
    );
  });
  await store.write(() => people.erase(person_id, { keepRow: cloud }), { durable: true });
  return erased;
}

/** Calls back for each page of events: keys after the first number, up to the second. */
async function eachEventPage(
  db: Store["db"],
  use: (from: number, to: number) => Promise<void>,
): Promise<void> {
  const end = db.prepare(
    `SELECT max(seq) AS seq FROM (SELECT seq FROM device_events WHERE seq > ? ORDER BY seq LIMIT ${PAGE_ROWS})`,
  );
  for (let from = 0;;) {
    const to = end.get(from)?.seq;
    if (typeof to !== "number") return;
    await use(from, to);
    from = to;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
