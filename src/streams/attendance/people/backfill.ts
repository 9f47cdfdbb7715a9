/** Punches that an earlier version stored, looked through once: whose they are and what devices called them. @module */
import type { Store } from "../../../store/mod.ts";
import type { People } from "../storage/people.ts";
import { nameIn } from "../storage/person_name.ts";

const DONE = "attendance.people_read";
const PEOPLE_PER_WRITE = 50;

/** Makes a person of every id that has punched, with the name of the newest punch. */
export async function readPeople(
  store: Store,
  { people, signal }: { people: People; signal: AbortSignal },
): Promise<void> {
  if (store.meta(DONE) !== undefined) return;
  const next = store.db.prepare(
    `SELECT person_id FROM device_logs INDEXED BY device_logs_person WHERE person_id > ?
     ORDER BY person_id LIMIT 1`,
  );
  const newest = store.db.prepare(
    `SELECT device_sn, raw FROM device_logs INDEXED BY device_logs_person WHERE person_id = ?
     ORDER BY punched_at DESC LIMIT 1`,
  );
  let id: string | undefined = "";
  while (id !== undefined && !signal.aborted) {
    await store.write(() => {
      for (let count = 0; id !== undefined && count < PEOPLE_PER_WRITE; count++) {
        const row = next.get(id);
        id = row && String(row.person_id);
        if (id === undefined) return store.setMeta(DONE, "1");
        const { device_sn, raw } = newest.get(id)!;
        people.seen(id, { sn: String(device_sn), name: nameIn(String(raw)) });
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
