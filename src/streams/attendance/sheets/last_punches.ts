/** The last punch of each person, remembered: the next one is decided by it without asking the database. @module */
import { type Instant, msOf } from "../../../core/mod.ts";
import type { Statement, Store } from "../../../store/mod.ts";
import type { People } from "../storage/people.ts";
import { FOREVER } from "./direction_queue.ts";
import type { Direction } from "./direction.ts";

/** Which punches count: those whose time can be right, and that are not struck out. */
export const COUNTS = "time_suspect = 0 AND struck_by IS NULL";

export interface LastPunch {
  atMs: number;
  /** Undefined while it waits to be decided. */
  direction: Direction | undefined;
}

/** Persons remembered; beyond it they are read again. */
const MAX_REMEMBERED = 20_000;

export class LastPunches {
  readonly #people: People;
  readonly #before: Statement;
  /** null: the person has none. */
  readonly #remembered = new Map<string, LastPunch | null>();

  constructor({ db }: Store, people: People) {
    this.#people = people;
    this.#before = db.prepare(
      `SELECT punched_at, direction FROM device_logs INDEXED BY device_logs_person
       WHERE person_id = ? AND punched_at < ? AND ${COUNTS}
       ORDER BY punched_at DESC, seq DESC LIMIT 1`,
    );
  }

  of(person: string): LastPunch | null {
    const known = this.#remembered.get(person);
    if (known !== undefined) return known;
    const last = this.before(person, FOREVER);
    this.set(person, last);
    return last;
  }

  set(person: string, last: LastPunch | null): void {
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(person, last);
  }

  /** The person's last punch before an instant, as it is stored. */
  before(person: string, at: Instant): LastPunch | null {
    let last: LastPunch | null = null;
    for (const id of this.#people.idsOf(person)) {
      const row = this.#before.get(id, at);
      if (!row) continue;
      const atMs = msOf(String(row.punched_at));
      if (last && last.atMs >= atMs) continue;
      last = { atMs, direction: (row.direction ?? undefined) as Direction | undefined };
    }
    return last;
  }

  forget(person: string): void {
    this.#remembered.delete(person);
  }

  forgetAll(): void {
    this.#remembered.clear();
  }
}
