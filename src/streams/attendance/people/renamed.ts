/**
 * Sends the punches of people again, in slices, who have another name now: the cloud keeps a name with each punch. Who is
 * due is marked in the table of people, so that a restart loses none.
 * @module
 */
import { type Clock, every, Notifier } from "../../../core/mod.ts";
import type { RawRow, Statement, Store, TableOutbox } from "../../../store/mod.ts";
import type { People } from "../storage/people.ts";

export interface RenamedOptions {
  people: People;
  outbox: () => TableOutbox;
  clock: Clock;
}

/** Punches of one write: about 1 ms. */
const PAGE_ROWS = 100;
const IDLE_MS = 60_000;

export class Renamed {
  readonly #store: Store;
  readonly #options: RenamedOptions;
  readonly #wake = new Notifier();
  readonly #mark: Statement;
  readonly #next: Statement;
  readonly #done: Statement;
  readonly #page: Statement;
  readonly #resend: Statement;

  constructor(store: Store, options: RenamedOptions) {
    const { db } = store;
    this.#store = store;
    this.#options = options;
    this.#mark = db.prepare("UPDATE people SET resend = resend + 1 WHERE person_id = ?");
    this.#next = db.prepare(
      `SELECT person_id, resend FROM people INDEXED BY people_resend WHERE resend > 0
       ORDER BY person_id LIMIT 1`,
    );
    this.#done = db.prepare("UPDATE people SET resend = 0 WHERE person_id = ? AND resend = ?");
    this.#page = db.prepare(
      `SELECT seq, id, punched_at, synced_at IS NOT NULL AND rejected_at IS NULL AS settled
       FROM device_logs INDEXED BY device_logs_person
       WHERE person_id = ? AND (punched_at, seq) > (?, ?) ORDER BY punched_at, seq LIMIT ${PAGE_ROWS}`,
    );
    this.#resend = db.prepare("UPDATE device_logs SET synced_at = NULL WHERE seq = ?");
  }

  /** The person's punches have another name now; called inside the `write` that makes it so. */
  add(personId: string): void {
    this.#mark.run(personId);
    this.#store.afterCommit(() => this.#wake.notify());
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const name = "attendance names";
    await every(IDLE_MS, () => this.#work(signal), { signal, clock, name, wake: this.#wake });
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { people } = this.#options;
    for (let next; (next = this.#next.get()) && !signal.aborted;) {
      const { person_id, resend } = next;
      for (const id of people.idsOf(String(person_id))) await this.#sendAgain(id, signal);
      if (signal.aborted) return;
      // One who was renamed meanwhile stays due.
      await this.#store.write(() => this.#done.run(person_id!, resend!));
    }
  }

  async #sendAgain(id: string, signal: AbortSignal): Promise<void> {
    const outbox = this.#options.outbox();
    let rows: RawRow[] = [];
    let [at, seq] = ["", 0];
    do {
      await this.#store.write(() => {
        rows = this.#page.all(id, at, seq);
        const settled = rows.filter((row) => row.settled === 1);
        for (const row of settled) this.#resend.run(Number(row.seq));
        outbox.changed(rows.map((row) => String(row.id)), settled.length);
      });
      const last = rows.at(-1);
      if (last) [at, seq] = [String(last.punched_at), Number(last.seq)];
      await new Promise((resolve) => setTimeout(resolve, 0));
    } while (rows.length === PAGE_ROWS && !signal.aborted);
  }
}
