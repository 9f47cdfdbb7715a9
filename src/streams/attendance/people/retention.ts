/**
 * How long people are kept of whom no punch is left: those who have left, those of whom only devices have told, and those
 * who were erased, for as long as a punch.
 * @module
 */
import { type Budget, type Instant, instantOf, msOf, type PruneResult } from "../../../core/mod.ts";
import type { Store } from "../../../store/mod.ts";
import type { People } from "../storage/people.ts";

export interface PeopleRetention {
  people: People;
  retentionDays: number;
  /** For how long a row is kept that the cloud has not accepted; as `retentionDays` where none takes it. */
  unsyncedDays: number;
}

const DAY_MS = 86_400_000;
/** People looked at between two looks at the budget: some tenths of a millisecond. */
const PAGE_ROWS = 25;

/** @returns a `prune`, called inside `write` */
export function peopleRetention(
  store: Store,
  { people, retentionDays, unsyncedDays }: PeopleRetention,
): (now: Instant, budget: Budget) => PruneResult {
  // Their aliases go with them.
  const page = store.db.prepare(
    `SELECT person_id, updated_at < CASE WHEN synced_at IS NULL THEN ?3 ELSE ?2 END
         AND (active = 0 OR source = 'device')
         AND person_id NOT IN (SELECT alias FROM person_aliases) AS old
     FROM people WHERE person_id > ?1 ORDER BY person_id LIMIT ${PAGE_ROWS}`,
  );
  const punch = store.db.prepare(
    "SELECT 1 FROM device_logs INDEXED BY device_logs_person WHERE person_id = ? LIMIT 1",
  );
  /** Up to where the pass that is under way has looked. */
  let place = "";
  return (now, budget) => {
    const before = (days: number) => instantOf(msOf(now) - days * DAY_MS);
    let deleted = 0;
    let more: boolean;
    do {
      const rows = page.all(place, before(retentionDays), before(unsyncedDays));
      for (const row of rows) {
        const id = String(row.person_id);
        if (row.old !== 1 || people.idsOf(id).some((each) => punch.get(each))) continue;
        people.erase(id, { keepRow: false });
        deleted++;
      }
      more = rows.length === PAGE_ROWS;
      place = more ? String(rows.at(-1)!.person_id) : "";
    } while (more && budget.left());
    return { deleted, more };
  };
}
