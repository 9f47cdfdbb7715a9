/**
 * Sheets of a month and who is inside, in a database with a year of punches, beside the bare reading of the same rows.
 * @module
 */
import { Hub, type Instant } from "../../../src/core/mod.ts";
import { Store } from "../../../src/store/mod.ts";
import { migrations, punchId } from "../../../src/streams/attendance/mod.ts";
import { Sheets } from "../../../src/streams/attendance/sheets/sheets.ts";
import { People } from "../../../src/streams/attendance/storage/people.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { tempDir } from "../../support/temp.ts";
import { watchLoop } from "../loop_watch.ts";
import { type BenchRow, median, pairedRow, type Suite } from "../row.ts";

const PERSONS = 200;
const DAYS = 365;
const HOURS = [8, 12, 13, 17];
const BEGINS = Date.parse("2026-01-01T00:00:00Z");
/** Everybody is in. */
const NOW = Date.parse("2026-10-31T15:00:00Z");
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const LIMIT = { maxStayMs: 16 * HOUR_MS };

export const sheetsBench: Suite = {
  name: "sheets",
  async run({ rounds }) {
    using dir = tempDir();
    const store = new Store(`${dir.path}/bench.db`, { migrations });
    try {
      fill(store);
      const clock = new FakeClock(NOW);
      const sheets = new Sheets(store, {
        people: new People(store, { clock, hub: new Hub() }),
        devices: { find: () => undefined },
        clock,
        ...LIMIT,
      });
      return [...await month(store, sheets, rounds), await presence(store, sheets, rounds)];
    } finally {
      store.close();
    }
  },
};

async function month(store: Store, sheets: Sheets, rounds: number): Promise<BenchRow[]> {
  const query = { from: "2026-10-01", to: "2026-10-31" };
  const raw = rawRead(store, "2026-09-29T17:00:00.000Z", "2026-11-01T23:00:00.000Z");
  const pairs = [];
  const holds: number[] = [];
  for (let round = 0; round < rounds * 3; round++) {
    const rawMs = await took(raw);
    const watch = watchLoop();
    const ours = await took(async () => {
      let days = 0;
      for (const read of sheets.days(query)) days += (await read()).length;
      if (days !== PERSONS * 31) throw new Error(`${days} days`);
    });
    holds.push(watch.stop());
    pairs.push({ ours, raw: rawMs });
  }
  const held = median(holds);
  return [
    pairedRow(pairs, (ms) => ms, {
      name: `day sheets of ${PERSONS} people and 31 days, of ${PERSONS * DAYS * 4} punches`,
      unit: "ms",
      beside: "the same rows read in one statement",
      target: "≤ 100 ms",
      meets: (ms) => ms <= 100,
    }),
    {
      name: "event loop held by them, longest",
      value: held,
      unit: "ms",
      target: "≤ 10 ms",
      met: held <= 10,
    },
  ];
}

async function presence(store: Store, sheets: Sheets, rounds: number): Promise<BenchRow> {
  const raw = rawRead(store, "2026-10-30T22:59:00.000Z", "2026-10-31T15:00:00.000Z");
  const pairs = [];
  for (let round = 0; round < rounds * 10; round++) {
    pairs.push({
      raw: await took(raw),
      ours: await took(async () => {
        const { length } = (await sheets.present()).inside;
        if (length !== PERSONS) throw new Error(`${length} are inside`);
      }),
    });
  }
  return pairedRow(pairs, (ms) => ms, {
    name: `who is inside, ${PERSONS} people`,
    unit: "ms",
    beside: "the same rows read in one statement",
    target: "≤ 10 ms",
    meets: (ms) => ms <= 10,
  });
}

function rawRead(store: Store, from: Instant, to: Instant): () => Promise<void> {
  const select = store.db.prepare(
    `SELECT person_id, punched_at, device_time, direction FROM device_logs INDEXED BY device_logs_time
     WHERE punched_at >= ? AND punched_at < ? ORDER BY punched_at`,
  );
  return () => {
    if (select.all(from, to).length === 0) throw new Error("no rows");
    return Promise.resolve();
  };
}

async function took(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** A year in which everybody comes at eight, goes for lunch and leaves at five, in the order of time. */
function fill({ db }: Store): void {
  const insert = db.prepare(
    `INSERT INTO device_logs (id, device_sn, person_id, device_time, time_zone, punched_at, received_at,
       mode, in_out, event, direction, direction_by, raw)
     VALUES (?, 'DEV1', ?, ?, 'UTC', ?, ?, 8, 0, 0, ?, 'alternation', ?)`,
  );
  db.exec("BEGIN");
  for (let day = 0; day < DAYS; day++) {
    for (const [index, hour] of HOURS.entries()) {
      for (let number = 0; number < PERSONS; number++) {
        const person = String(1_000 + number);
        const at = new Date(BEGINS + day * DAY_MS + hour * HOUR_MS + number * 5_000).toISOString();
        const time = at.slice(0, 19).replace("T", " ");
        const raw = `{"enrollid":${person},"name":"Person ${number}","time":"${time}","inout":0}`;
        const direction = index % 2 === 0 ? "in" : "out";
        insert.run(punchId("DEV1", person, time), person, time, at, at, direction, raw);
      }
    }
  }
  db.exec("COMMIT");
}
