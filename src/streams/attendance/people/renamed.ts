/**
 * Sends the last month's punches again, in slices, of those who have another name now: the cloud keeps a name with each
 * punch. What is not done when the agent stops is left.
 * @module
 */
import { type Clock, every, type Instant, instantOf, Notifier } from "../../../core/mod.ts";
import type { RawRow, Statement, Store, TableOutbox } from "../../../store/mod.ts";
import type { People } from "../storage/people.ts";

export interface RenamedOptions {
  people: People;
  outbox: () => TableOutbox;
  clock: Clock;
}

const AGE_MS = 31 * 86_400_000;
/** Punches of one write: about 1 ms. */
const PAGE_ROWS = 100;
const IDLE_MS = 60_000;

export class Renamed {
  readonly #store: Store;
  readonly #options: RenamedOptions;
  readonly #persons = new Set<string>();
  readonly #wake = new Notifier();
  readonly #page: Statement;
  readonly #resend: Statement;

  constructor(store: Store, options: RenamedOptions) {
    this.#store = store;
    this.#options = options;
    this.#page = store.db.prepare(
      `SELECT seq, id, punched_at, synced_at IS NOT NULL AND rejected_at IS NULL AS settled
       FROM device_logs INDEXED BY device_logs_person
       WHERE person_id = ? AND (punched_at, seq) > (?, ?) ORDER BY punched_at, seq LIMIT ${PAGE_ROWS}`,
    );
    this.#resend = store.db.prepare("UPDATE device_logs SET synced_at = NULL WHERE seq = ?");
  }

  /** The person's punches have another name now; called inside the `write` that makes it so. */
  add(personId: string): void {
    this.#store.afterCommit(() => {
      this.#persons.add(personId);
      this.#wake.notify();
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const name = "attendance names";
    await every(IDLE_MS, () => this.#work(signal), { signal, clock, name, wake: this.#wake });
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { people, clock } = this.#options;
    const since = instantOf(clock.now() - AGE_MS);
    for (const person of this.#persons) {
      if (signal.aborted) return;
      this.#persons.delete(person);
      for (const id of people.idsOf(person)) await this.#sendAgain(id, { since, signal });
    }
  }

  async #sendAgain(
    id: string,
    { since, signal }: { since: Instant; signal: AbortSignal },
  ): Promise<void> {
    const outbox = this.#options.outbox();
    let rows: RawRow[] = [];
    let [at, seq] = [since, 0];
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
