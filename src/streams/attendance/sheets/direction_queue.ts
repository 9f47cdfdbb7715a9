/**
 * Whose punches are to be decided again, in the database, so that no end of the program loses it. A person is there
 * once, with all that was asked for.
 * @module
 */
import type { Instant } from "../../../core/mod.ts";
import type { Statement, Store } from "../../../store/mod.ts";

export interface QueueEntry {
  /** A person, or `EVERYONE`. */
  person: string;
  /** All from here on … */
  since: Instant;
  /** … to here, and on until nothing changes any more. */
  until: Instant;
}

/** Every person; no person has this id. */
export const EVERYONE = "";
export const FOREVER: Instant = "9999";

export class DirectionQueue {
  readonly #add: Statement;
  readonly #next: Statement;
  readonly #remove: Statement;

  constructor({ db }: Store) {
    this.#add = db.prepare(
      `INSERT INTO direction_queue (person_id, since, until) VALUES (?, ?, ?)
       ON CONFLICT (person_id) DO UPDATE
         SET since = min(since, excluded.since), until = max(until, excluded.until)`,
    );
    this.#next = db.prepare("SELECT person_id, since, until FROM direction_queue LIMIT 1");
    this.#remove = db.prepare(
      "DELETE FROM direction_queue WHERE person_id = ? AND since = ? AND until = ?",
    );
  }

  /** Called inside `write`. */
  add({ person, since, until }: QueueEntry): void {
    this.#add.run(person, since, until);
  }

  next(): QueueEntry | undefined {
    const row = this.#next.get();
    return row && {
      person: String(row.person_id),
      since: String(row.since),
      until: String(row.until),
    };
  }

  /** This was done; an entry that has grown meanwhile stays. Called inside `write`. */
  remove({ person, since, until }: QueueEntry): void {
    this.#remove.run(person, since, until);
  }
}
