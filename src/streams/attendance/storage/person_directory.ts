/**
 * Who the ids are that devices send: one person may have several. Until a person is described here, a person is an id,
 * and the name is the one that a device last sent along.
 * @module
 */
import type { Store } from "../../../store/mod.ts";
import { nameIn } from "./person_name.ts";

export interface PersonDirectory {
  /** Whose id this is. */
  personOf(id: string): string;
  /** Every id of a person, the person's own first. */
  idsOf(personId: string): readonly string[];
  nameOf(personId: string): string | null;
  departmentOf(personId: string): string | null;
}

/** Persons as punches name them. */
export function namesInPunches({ db }: Store): PersonDirectory {
  const newest = db.prepare(
    `SELECT raw FROM device_logs INDEXED BY device_logs_person WHERE person_id = ?
     ORDER BY punched_at DESC, seq DESC LIMIT 1`,
  );
  return {
    personOf: (id) => id,
    idsOf: (id) => [id],
    nameOf(id) {
      const row = newest.get(id);
      return row ? nameIn(String(row.raw)) : null;
    },
    departmentOf: () => null,
  };
}
