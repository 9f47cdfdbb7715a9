/**
 * Ninety days of a machine that sleeps, restarts at midnight, fails, and whose clock is set: in the end every day and
 * quarter of an hour is what the complete history comes to, which the test keeps and the stream has long deleted.
 *
 * Every look of a poll of 5 s happens while the machine is on: some 4 hours a day, as people have them on;
 * `CLOCKBLOCK_TEST_HOURS=24` leaves it on day and night (1 555 200 looks, under a minute).
 * @module
 */
import assert from "node:assert/strict";
import { type Clock, instantOf, Warnings } from "../../../src/core/mod.ts";
import { Store } from "../../../src/store/mod.ts";
import {
  createPlaytime,
  migrations,
  type PlaytimeStream,
} from "../../../src/streams/playtime/mod.ts";
import { type TestApi, testApi } from "../../support/api.ts";
import { defaultConfig } from "../../support/default_config.ts";
import { streamDeps } from "../../support/stream_deps.ts";
import { tempDir } from "../../support/temp.ts";
import { randomOf } from "../../soak/load/random.ts";

const DAYS = 90;
const HOURS_ON = Number(Deno.env.get("CLOCKBLOCK_TEST_HOURS") ?? 4);
const RETENTION_DAYS = 30;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SLOT_MS = 900_000;
/** Looks that wait for the same commit: as on a slow disk, and so that 90 days take seconds. */
const AT_ONCE = 60;
const ALLOWANCE = { mon: 45, tue: 45, wed: 45, thu: 45, fri: 90, sat: 180.5, sun: 180.5 };

/** Zones whose clocks change within these days, by half an hour too, or that are off by quarters of an hour. */
const ZONES = [
  "UTC",
  "Europe/Berlin", // 29 March: 23 hours
  "America/New_York", // 8 March: 23 hours
  "America/St_Johns", // half past, 8 March
  "Australia/Lord_Howe", // 5 April: half an hour
  "Pacific/Chatham", // three quarters past, 5 April: 25 hours
  "Africa/Casablanca", // twice around Ramadan
  "Asia/Kathmandu", // three quarters past
] as const;

/** What happened, look by look, and nothing of it ever deleted. */
interface Seen {
  at: number;
  creditMs: number;
}

/** A clock that a test moves; whoever waits does so until it is told to stop, or is woken. */
class MovedClock implements Clock {
  #monotonic = 0;
  readonly #sleepers = new Map<() => void, number>();
  constructor(public wall: number) {}
  now(): number {
    return this.wall;
  }
  monotonic(): number {
    return this.#monotonic;
  }
  pass(ms: number): void {
    this.wall += ms;
    this.#monotonic += ms;
  }
  wait(ms: number, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleepers.delete(wake);
        resolve();
      };
      this.#sleepers.set(wake, this.#monotonic + ms);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }
  /** Lets time pass until the first who sleeps is to wake, and wakes him; late, if his time was over long ago. */
  async wakeNext(): Promise<void> {
    while (this.#sleepers.size === 0) await turn();
    const [wake, due] = [...this.#sleepers].sort(([, one], [, other]) => one - other)[0]!;
    this.pass(Math.max(0, due - this.#monotonic));
    wake();
    // His work is done when he sleeps again.
    do await turn(); while (this.#sleepers.size === 0);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

Deno.test(`Days and slots of ${DAYS} days are what the complete history comes to`, async () => {
  using dir = tempDir();
  const random = randomOf(20_260_215, "ninety days");
  const clock = new MovedClock(Date.parse("2026-02-15T06:00:00.000Z"));
  const warnings = new Warnings({ clock });
  const open = () => new Store(`${dir.path}/clockblock.db`, { migrations, clock, warnings });
  let store = open();
  let game: string | null | Error = null;
  const start = (pollIntervalSec: number, timeZone: string) =>
    createPlaytime({
      ...streamDeps(store, { clock, warnings, timeZone, cloud: true }),
      lister: () =>
        game instanceof Error
          ? Promise.reject(game)
          : Promise.resolve([{ image: game ?? "explorer.exe" }]),
    }, {
      ...defaultConfig(),
      daily_allowance_min: ALLOWANCE,
      poll_interval_sec: pollIntervalSec,
      retention_days: RETENTION_DAYS,
    });

  const history: Seen[] = [];
  let intervalSec = 5;
  let zone: string = "Europe/Berlin";
  let stream = start(intervalSec, zone);
  const restart = (sec: number, timeZone: string) => {
    store.close();
    store = open();
    intervalSec = sec;
    zone = timeZone;
    stream = start(sec, timeZone);
  };
  const live = async (ms: number) => {
    for (let left = Math.floor(ms / (intervalSec * 1_000)); left > 0; left -= AT_ONCE) {
      const looks: Promise<unknown>[] = [];
      for (let n = 0; n < Math.min(AT_ONCE, left); n++) {
        if (!(game instanceof Error)) {
          history.push({ at: clock.wall, creditMs: game ? intervalSec * 1_000 : 0 });
        }
        looks.push(stream.pollOnce());
        // A timer is never quite on time.
        clock.pass(intervalSec * 1_000 + (n % 7 === 0 ? random.below(40) : 0));
      }
      await Promise.all(looks);
    }
  };
  /** The cloud takes everything. */
  const sync = async () => {
    for (;;) {
      const { rows } = stream.outbox.pending(5_000);
      if (rows.length === 0) return;
      await store.write(() =>
        stream.outbox.settle(rows.map(({ id }) => id), instantOf(clock.wall))
      );
    }
  };

  for (let day = 0; day < DAYS; day++) {
    // The machine is on for some stretches; between them it sleeps, now and then past midnight.
    const stretches = 3;
    const asleepMs = (24 - HOURS_ON) / stretches * HOUR_MS;
    for (let stretch = 0; stretch < stretches; stretch++) {
      const onMs = HOURS_ON / stretches * HOUR_MS;
      game = null;
      await live(onMs * 0.3);
      game = random.pick(["Minecraft.exe", "Minecraft.Windows.exe"]);
      await live(onMs * random.between(0.2, 0.5));
      if (random() < 0.1) {
        game = new Error("tasklist is not there");
        await live(5 * 60_000);
      }
      game = random() < 0.5 ? null : "Minecraft.exe";
      await live(onMs * 0.2);
      // Asleep in the middle of a game, too.
      clock.pass(random.between(0.6, 1.4) * asleepMs);
    }
    assert.deepEqual(
      todayOf(stream),
      expectedToday(history, { now: clock.wall, timeZone: zone }),
      `day ${day}`,
    );

    const what = day % 15;
    if (what === 3) clock.wall += HOUR_MS;
    else if (what === 4) clock.wall -= HOUR_MS;
    else if (what === 7) clock.wall -= DAY_MS + 90_000;
    else if (what === 8) clock.wall += DAY_MS + 90_000;
    else if (what === 10) clock.wall += random.between(-3_000, 3_000);
    else if (what === 12) restart(random.pick([5, 7, 10]), random.pick(ZONES));
    else if (what === 13) {
      // Restarted at midnight, there or in Greenwich, in the middle of a game.
      clock.pass(untilMidnight(clock.wall, day % 2 === 0 ? "UTC" : "Europe/Berlin") - 60_000);
      game = "Minecraft.exe";
      await live(60_000);
      restart(5, "Europe/Berlin");
      await live(60_000);
    }
    // From then on there is no network: what waits is kept, however old it gets.
    if (day < 20) await sync();
    await pruned(store, stream, clock);
  }

  using api = testApi({ routes: stream.routes, store, clock });
  for (const timeZone of ZONES) {
    assert.deepEqual(await daysOf(api, { timeZone, history }), expectedDays(history, timeZone));
  }
  assert.deepEqual(rollupsIn(store), expectedDays(history, "UTC"));
  assert.deepEqual(slotsIn(store), sums(history, ({ at }) => instantOf(at - at % SLOT_MS)));
  assert.equal((await stream.recompute()).changed, 0);
  assertRetained(store, history, clock.wall);
  store.close();
});

Deno.test(`The agent's own loop credits what was played in ${DAYS} days, and no sleep`, async () => {
  using dir = tempDir();
  const random = randomOf(20_260_215, "the loop");
  const clock = new MovedClock(Date.parse("2026-02-15T06:00:00.000Z"));
  const warnings = new Warnings({ clock });
  let playing = false;
  const intervalMs = 120_000;
  const history: Seen[] = [];
  let playedMs = 0;
  /** Starts, ends and sleeps: each may cost or give a look. */
  let changes = 0;

  const live = async (ms: number) => {
    for (const end = clock.monotonic() + ms; clock.monotonic() < end;) {
      const before = clock.monotonic();
      await clock.wakeNext();
      if (playing) playedMs += clock.monotonic() - before;
    }
  };
  for (let day = 0; day < DAYS; day++) {
    const store = new Store(`${dir.path}/clockblock.db`, { migrations, clock, warnings });
    const stream = createPlaytime({
      ...streamDeps(store, { clock, warnings }),
      lister: () => {
        history.push({ at: clock.wall, creditMs: playing ? intervalMs : 0 });
        return Promise.resolve([{ image: playing ? "Minecraft.exe" : "explorer.exe" }]);
      },
    }, {
      ...defaultConfig(),
      poll_interval_sec: intervalMs / 1_000,
      retention_days: RETENTION_DAYS,
    });
    const stop = new AbortController();
    const running = stream.run(stop.signal);
    // Asleep before it, in the middle of it, for less than a look and for hours.
    for (const asleepMs of [0, random.between(0, 2) * intervalMs, random.between(1, 9) * HOUR_MS]) {
      clock.pass(asleepMs);
      await live(random.between(0.3, 1) * HOUR_MS);
      playing = !playing;
      changes += 2;
    }
    if (day % 10 === 4) clock.wall += random.between(-1, 1) * 3 * HOUR_MS;
    await live(HOUR_MS / 2);
    stop.abort();
    await running;
    await pruned(store, stream, clock);
    store.close();
    changes += 2;
    clock.pass(random.between(4, 12) * HOUR_MS);
  }

  using store = disposed(new Store(`${dir.path}/clockblock.db`, { migrations, clock, warnings }));
  const credited = [...slotsIn(store.store).values()].reduce((sum, minutes) => sum + minutes, 0);
  const apartMs = Math.abs(credited * 60_000 - playedMs);
  assert.ok(playedMs > DAYS / 2 * HOUR_MS, `${playedMs} ms`);
  // ± a look for each change; what was slept is ten times as long.
  assert.ok(apartMs <= changes * intervalMs, `${apartMs} ms apart`);
  assert.deepEqual(slotsIn(store.store), sums(history, ({ at }) => instantOf(at - at % SLOT_MS)));
  const days = expectedDays(history, "UTC").map(([date, minutes]) => [date, minutes]);
  assert.deepEqual(rollupsIn(store.store).map(([date, minutes]) => [date, minutes]), days);
});

function disposed(store: Store): { store: Store } & Disposable {
  return { store, [Symbol.dispose]: () => store.close() };
}

async function pruned(store: Store, stream: PlaytimeStream, clock: Clock): Promise<void> {
  let more = true;
  while (more) {
    const budget = { left: () => true };
    more = (await store.write(() => stream.prune(instantOf(clock.now()), budget))).more;
  }
}

/** Minutes by day or slot, by the plainest sum there is. */
function sums(history: readonly Seen[], keyOf: (seen: Seen) => string): Map<string, number> {
  const ms = new Map<string, number>();
  for (const seen of history) {
    if (seen.creditMs === 0) continue;
    const key = keyOf(seen);
    ms.set(key, (ms.get(key) ?? 0) + seen.creditMs);
  }
  return new Map([...ms].sort().map(([key, sum]) => [key, sum / 60_000]));
}

/** Days as the calendar of the zone has them, found by its formatter: the stream reckons them otherwise. */
function dayIn(timeZone: string): (at: number) => string {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" });
  // Clocks change at quarters of an hour only.
  const known = new Map<number, string>();
  return (at) => {
    const slot = Math.floor(at / SLOT_MS);
    let day = known.get(slot);
    if (day === undefined) known.set(slot, day = format.format(slot * SLOT_MS));
    return day;
  };
}

function expectedDays(history: readonly Seen[], timeZone: string): [string, number, number][] {
  const day = dayIn(timeZone);
  return [...sums(history, ({ at }) => day(at))].map(([date, sum]) => {
    // Where the clock was set back a day may have been lived twice: it is never longer than it is.
    const minutes = Math.min(sum, minutesOf(date, day));
    // Whole milliseconds, so that the last digit is right.
    const overMs = Math.round(60_000 * minutes) - 60_000 * allowanceOn(date);
    return [date, minutes, Math.max(0, overMs) / 60_000];
  });
}

/** How long a day is, by counting its quarters of an hour. */
function minutesOf(date: string, dayOf: (at: number) => string): number {
  const noon = Date.parse(`${date}T12:00:00Z`);
  let slots = 0;
  for (let at = noon - 2 * DAY_MS; at < noon + 2 * DAY_MS; at += SLOT_MS) {
    if (dayOf(at) === date) slots++;
  }
  return slots * SLOT_MS / 60_000;
}

/** How far the next midnight is. */
function untilMidnight(now: number, timeZone: string): number {
  const day = dayIn(timeZone);
  let at = now - now % SLOT_MS + SLOT_MS;
  while (day(at) === day(now)) at += SLOT_MS;
  return at - now;
}

async function daysOf(
  api: TestApi,
  { timeZone, history }: { timeZone: string; history: readonly Seen[] },
): Promise<[string, number, number][]> {
  const times = history.map(({ at }) => at);
  const from = instantOf(times.reduce((a, b) => Math.min(a, b)) - DAY_MS).slice(0, 10);
  const to = instantOf(times.reduce((a, b) => Math.max(a, b)) + DAY_MS).slice(0, 10);
  const days = await (await api.ask(`/days?from=${from}&to=${to}&tz=${timeZone}`)).json() as {
    date_utc: string;
    minutes_used: number;
    minutes_overdraft: number;
  }[];
  return days.filter(({ minutes_used }) => minutes_used > 0)
    .map(({ date_utc, minutes_used, minutes_overdraft }) => [
      date_utc,
      minutes_used,
      minutes_overdraft,
    ]);
}

/** Minutes of today, as the status tells them. */
function todayOf(stream: PlaytimeStream): [string, number] {
  const { date, minutes_used } = stream.status().today;
  return [date, minutes_used];
}

function expectedToday(
  history: readonly Seen[],
  { now, timeZone }: { now: number; timeZone: string },
): [string, number] {
  const date = dayIn(timeZone)(now);
  // No day was begun longer ago than this.
  const lately = history.slice(-3 * DAY_MS / 5_000);
  const found = expectedDays(lately, timeZone).find(([day]) => day === date);
  return [date, found?.[1] ?? 0];
}

function allowanceOn(date: string): number {
  const names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
  return ALLOWANCE[names[new Date(`${date}T00:00:00Z`).getUTCDay()]!];
}

/** The days as they are kept. */
function rollupsIn(store: Store): [string, number, number][] {
  return store.db.prepare("SELECT * FROM daily_rollups WHERE minutes_used > 0 ORDER BY date_utc")
    .all().map(({ date_utc, minutes_used, minutes_overdraft }) => [
      String(date_utc),
      Number(minutes_used),
      Number(minutes_overdraft),
    ]);
}

function slotsIn(store: Store): Map<string, number> {
  const rows = store.db.prepare("SELECT * FROM usage_slots ORDER BY slot_utc").all();
  return new Map(
    rows.map(({ slot_utc, minutes_used }) => [String(slot_utc), Number(minutes_used)]),
  );
}

/** What is younger is all there; what is older is gone where the cloud has it, and kept where it has not. */
function assertRetained(store: Store, history: readonly Seen[], now: number): void {
  const cutoff = instantOf(now - RETENTION_DAYS * DAY_MS);
  const row = store.db.prepare(
    `SELECT sum(timestamp_utc >= ?1) AS young, sum(timestamp_utc < ?1 AND synced_at IS NULL) AS waiting,
       sum(timestamp_utc < ?1 AND synced_at IS NOT NULL) AS done FROM heartbeats`,
  ).get(cutoff);
  assert.equal(row?.young, history.filter(({ at }) => instantOf(at) >= cutoff).length);
  assert.equal(row?.done, 0);
  assert.ok(Number(row?.waiting) > history.length / 5, `${row?.waiting} wait`);
}
