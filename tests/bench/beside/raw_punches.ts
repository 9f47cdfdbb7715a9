/**
 * Punches without a listener: rows that are ready made, each transaction waiting for the disk.
 * @module
 */
import { Store } from "../../../src/store/mod.ts";
import { migrations, punchId } from "../../../src/streams/attendance/mod.ts";
import { tempDir } from "../../support/temp.ts";
import { percentile } from "../row.ts";

const DEVICES = 50;
const ROWS = 100_000;
const RAW =
  '{"enrollid":1000,"name":"Asha","time":"2024-01-01 00:00:00","mode":8,"inout":0,"event":0}';

/** Punches a second in transactions of this size, one right after the other. */
export function rawPunchRate({ size, seconds }: { size: number; seconds: number }): number {
  using punches = new RawPunches(ROWS);
  const began = performance.now();
  let done = 0;
  while (done < ROWS && performance.now() - began < seconds * 1_000) done += punches.commit(size);
  return done / (performance.now() - began) * 1_000;
}

/** What 99 of 100 transactions of one punch do not exceed, in milliseconds, when so many come a second. */
export async function rawPunchP99(
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<number> {
  const total = perSecond * seconds;
  using punches = new RawPunches(total);
  const tookMs: number[] = [];
  const began = performance.now();
  while (tookMs.length < total) {
    const waitMs = began + tookMs.length * 1_000 / perSecond - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const before = performance.now();
    punches.commit(1);
    tookMs.push(performance.now() - before);
  }
  return percentile(tookMs, 0.99);
}

/** So many punches of different seconds, in a database that is gone afterwards. */
class RawPunches implements Disposable {
  readonly #dir = tempDir();
  readonly #store = new Store(`${this.#dir.path}/raw.db`, { migrations });
  readonly #rows: (readonly string[])[];
  readonly #insert;
  #done = 0;

  constructor(count: number) {
    this.#rows = Array.from({ length: count }, (_, i) => {
      const sn = `DEV${1 + i % DEVICES}`;
      const person = `${1_000 + i % 400}`;
      const at = new Date(Date.UTC(2024, 0, 1) + Math.floor(i / DEVICES) * 1_000).toISOString();
      const time = at.slice(0, 19).replace("T", " ");
      return [punchId(sn, person, time), sn, person, time, at, at, RAW];
    });
    this.#insert = this.#store.db.prepare(
      `INSERT INTO device_logs (id, device_sn, person_id, device_time, time_zone, punched_at,
         received_at, skew_ms, time_suspect, mode, in_out, event, raw)
       VALUES (?, ?, ?, ?, 'Asia/Kolkata', ?, ?, NULL, 0, 8, 0, 0, ?)`,
    );
    this.#store.db.exec("PRAGMA synchronous=FULL");
  }

  /** Stores the next so many in one transaction; how many there were. */
  commit(size: number): number {
    const rows = this.#rows.slice(this.#done, this.#done + size);
    this.#store.db.exec("BEGIN IMMEDIATE");
    for (const row of rows) this.#insert.run(...row);
    this.#store.db.exec("COMMIT");
    this.#done += rows.length;
    return rows.length;
  }

  [Symbol.dispose](): void {
    this.#store.close();
    this.#dir[Symbol.dispose]();
  }
}
