/** Any history of play, grants, restarts, zones, clocks and sleeps, against a model that adds up from the beginning. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Grant } from "../../../../src/contract/allowance.ts";
import { createEvents } from "../../../../src/streams/events/mod.ts";
import { migrations as eventMigrations } from "../../../../src/streams/events/mod.ts";
import {
  createPlaytime,
  migrations,
  type PlaytimeStream,
} from "../../../../src/streams/playtime/mod.ts";
import { testApi } from "../../../support/api.ts";
import { defaultConfig } from "../../../support/default_config.ts";
import { FakeClock } from "../../../support/fakes/fake_clock.ts";
import { streamDeps } from "../../../support/stream_deps.ts";
import { tempStore } from "../../../support/temp.ts";

const ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"];
const POLL_MIN = 5;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const RUNS = Number(Deno.env.get("CLOCKBLOCK_TEST_RUNS") ?? 40);

type Step =
  | { do: "play" | "idle"; polls: number }
  | { do: "sleep" | "set back"; hours: number }
  | { do: "grant"; extraMin: number; ahead: number }
  | { do: "undo"; which: number }
  | { do: "restart"; zone: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("play" as const),
      polls: fc.integer({ min: 1, max: 12 }),
    }),
  },
  fc.record({ do: fc.constant("idle" as const), polls: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant("sleep" as const), hours: fc.integer({ min: 1, max: 30 }) }),
  fc.record({ do: fc.constant("set back" as const), hours: fc.integer({ min: 1, max: 50 }) }),
  fc.record({
    do: fc.constant("grant" as const),
    extraMin: fc.integer({ min: -90, max: 90 }).filter((min) => min !== 0),
    ahead: fc.integer({ min: -2, max: 2 }),
  }),
  fc.record({ do: fc.constant("undo" as const), which: fc.nat(5) }),
  fc.record({ do: fc.constant("restart" as const), zone: fc.nat(ZONES.length - 1) }),
);

const history = fc.record({
  // Among them the nights on which clocks change in Berlin and New York.
  start: fc.constantFrom(
    "2026-03-02T20:00:00Z",
    "2026-03-07T22:00:00Z",
    "2026-03-28T21:00:00Z",
    "2026-10-24T20:00:00Z",
  ),
  startsAt: fc.constantFrom("00:00", "04:00"),
  daily: fc.constantFrom(null, 0, 20, 60),
  weekly: fc.constantFrom(null, 40, 120),
  zone: fc.nat(ZONES.length - 1),
  steps: fc.array(step, { minLength: 1, maxLength: 25 }),
});
type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

/** What happened, and what has to follow from it: adds everything up each time, with `Intl` for the calendar. */
class Model {
  readonly #played: number[] = [];
  readonly #granted: { date: string; min: number }[] = [];
  /** The lowest level that each day had. */
  readonly lowest = new Map<string, number>();

  constructor(readonly history: History, public zone: string) {}

  dateAt(ms: number): string {
    const startHours = Number(this.history.startsAt.slice(0, 2));
    const text = new Intl.DateTimeFormat("sv-SE", {
      timeZone: this.zone,
      dateStyle: "short",
      timeStyle: "medium",
    }).format(ms);
    const date = text.slice(0, 10);
    return Number(text.slice(11, 13)) < startHours ? shifted(date, -1) : date;
  }

  play(ms: number): void {
    this.#played.push(ms);
    this.evaluate(this.dateAt(ms));
  }

  grant(date: string, min: number, nowMs: number): void {
    this.#granted.push({ date, min });
    this.evaluate(this.dateAt(nowMs));
  }

  sums(dates: readonly string[]): { used: number; granted: number } {
    return {
      used: this.#played.filter((ms) => dates.includes(this.dateAt(ms))).length * POLL_MIN,
      granted: this.#granted.filter(({ date }) => dates.includes(date))
        .reduce((sum, { min }) => sum + min, 0),
    };
  }

  left(date: string): number | null {
    const { daily, weekly } = this.history;
    const rests: number[] = [];
    const rest = (allowance: number | null, dates: readonly string[]) => {
      const { used, granted } = this.sums(dates);
      if (allowance !== null) rests.push(allowance + granted - used);
    };
    rest(daily, [date]);
    rest(weekly, weekOf(date));
    return rests.length === 0 ? null : Math.min(...rests);
  }

  evaluate(date: string): void {
    const left = this.left(date);
    const { used } = this.sums([date]);
    if (left === null || used === 0) return;
    this.lowest.set(date, Math.min(this.lowest.get(date) ?? Infinity, Math.max(left, -used)));
  }

  /** The thresholds of each day, in order. */
  fired(): Record<string, number[]> {
    const all = [15, 5, 0, ...Array.from({ length: 100 }, (_, index) => -15 * (index + 1))];
    return Object.fromEntries(
      [...this.lowest].map(([date, level]) => [date, all.filter((each) => each >= level)] as const)
        .filter(([, thresholds]) => thresholds.length > 0),
    );
  }
}

function shifted(date: string, days: number): string {
  return new Date(Date.parse(`${date}T12:00:00Z`) + days * 24 * HOUR_MS).toISOString().slice(0, 10);
}

function weekOf(date: string): string[] {
  const sinceMonday = (new Date(`${date}T12:00:00Z`).getUTCDay() + 6) % 7;
  return Array.from({ length: 7 }, (_, index) => shifted(date, index - sinceMonday));
}

async function live(history: History): Promise<void> {
  const clock = new FakeClock(Date.parse(history.start));
  using temp = tempStore([...migrations, ...eventMigrations], { clock });
  const { store } = temp;
  const model = new Model(history, ZONES[history.zone]!);
  const config = defaultConfig({
    daily_allowance_min: history.daily,
    weekly_allowance_min: history.weekly,
    day_starts_at: history.startsAt,
    poll_interval_sec: POLL_MIN * 60,
  });
  let isPlaying = false;
  const lister = () => Promise.resolve([{ image: isPlaying ? "Minecraft.exe" : "init" }]);
  let stream!: PlaytimeStream;
  let api!: ReturnType<typeof testApi>;
  const start = () => {
    const deps = streamDeps(store, { clock, timeZone: model.zone });
    const events = createEvents(deps, config);
    stream = createPlaytime({ ...deps, lister, logEvent: (event) => events.log!(event) }, config);
    api = testApi({ store, clock, streams: [stream, events] });
  };
  const get = async (path: string) => await (await api.ask(path)).json();
  const grant = async (json: object): Promise<Grant> => {
    const response = await api.ask("/allowance/grants", { method: "POST", json });
    assert.equal(response.status, 201);
    return await response.json();
  };
  start();
  const undoable: Grant[] = [];
  for (const step of history.steps) {
    const now = clock.now();
    switch (step.do) {
      case "play":
      case "idle":
        isPlaying = step.do === "play";
        for (let poll = 0; poll < step.polls; poll++) {
          await stream.pollOnce();
          if (isPlaying) model.play(clock.now());
          clock.set(clock.now() + POLL_MIN * MINUTE_MS);
        }
        break;
      case "sleep":
        clock.set(now + step.hours * HOUR_MS);
        break;
      case "set back":
        clock.set(now - step.hours * HOUR_MS);
        break;
      case "grant": {
        const date = shifted(model.dateAt(now), step.ahead);
        undoable.push(await grant({ extra_min: step.extraMin, date }));
        model.grant(date, step.extraMin, now);
        break;
      }
      case "undo": {
        const [undone] = undoable.splice(step.which, 1);
        if (!undone) break;
        await grant({ undoes: undone.id });
        model.grant(undone.date, -undone.extra_min, now);
        break;
      }
      case "restart":
        api[Symbol.dispose]();
        model.zone = ZONES[step.zone]!;
        start();
        break;
    }
    const date = model.dateAt(clock.now());
    for (const each of [date, shifted(date, -1)]) {
      const view = await get(`/allowance?date=${each}`);
      const { used, granted } = model.sums([each]);
      assert.deepEqual([view.used_min, view.granted_min], [used, granted]);
      assert.equal(view.left_min === null ? null : view.left_min - view.over_min, model.left(each));
    }
    const { today } = stream.status();
    const left = model.left(date);
    assert.deepEqual([today.date, today.minutes_left], [
      date,
      left === null ? null : Math.max(0, left),
    ]);
  }
  const fired: Record<string, number[]> = {};
  for (const { meta } of await get("/local/events?mode=clockblock&limit=1000")) {
    (fired[meta.date] ??= []).push(meta.threshold);
  }
  assert.deepEqual(fired, model.fired());
  api[Symbol.dispose]();
}

Deno.test("Thresholds fire once each and in order, and left is allowance + grants − play, whatever happens", async () => {
  await fc.assert(fc.asyncProperty(history, live), { numRuns: RUNS });
});
