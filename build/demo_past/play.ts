/** What was played in the demo's past: an hour after school, more at weekends, several games, some days none. @module */
import type { Heartbeat } from "../../src/contract/playtime.ts";
import { idSource, instantOf, systemClock } from "../../src/core/mod.ts";
import { type Poll, recordHeartbeat, type Tables } from "../../src/streams/playtime/tables.ts";
import { type PastDay, pastDays, type Present } from "./days.ts";
import { noise, pick } from "./noise.ts";

/** What the demo's agent counts; the first runs while the demo does. */
export const GAMES = [
  { label: "Minecraft", process_name: "Minecraft.exe" },
  { label: "Roblox", process_name: "RobloxPlayerBeta.exe" },
  { label: "Factorio", process_name: "factorio.exe" },
] as const;

export const ALLOWANCE = { mon: 90, tue: 90, wed: 90, thu: 90, fri: 120, sat: 150, sun: 150 };

export interface Play {
  readonly from: number;
  readonly to: number;
  readonly game: typeof GAMES[number];
}

const MINUTE_MS = 60_000;
/** The seconds that a heartbeat of the past stands for. */
const POLL_SEC = 60;
/** How long the machine is on around a game. */
const AROUND_MS = 20 * MINUTE_MS;
/** How long before the start of the demo today's game ended. */
const REST_MS = 5 * MINUTE_MS;
/** What today leaves, so that the end of the allowance comes while somebody watches. */
const LEFT_MIN = 2;

/** Every game of the past, oldest first. */
export function plays(present: Present): Play[] {
  return pastDays(present).flatMap((day) =>
    day.ago === 0 ? playsToday(day, present) : playsOf(day)
  );
}

function playsOf({ from, ago, isWeekend }: PastDay): Play[] {
  const parts = isWeekend ? [[10, 70, 80], [16, 20, 90]] : [[15.5, 25, 95]];
  return parts.flatMap(([hour = 0, least = 0, more = 0], part) => {
    if (noise(ago, part, 1) < 0.18) return [];
    const begin = from + (hour + 2 * noise(ago, part, 2)) * 60 * MINUTE_MS;
    const minutes = Math.round(least + more * noise(ago, part, 3));
    return [{ from: begin, to: begin + minutes * MINUTE_MS, game: pick(GAMES, ago, part, 4) }];
  });
}

/** Nearly all of today's allowance, up to a few minutes ago, as far as the day is old enough. */
function playsToday({ from, date }: PastDay, { now }: Present): Play[] {
  const end = now - REST_MS;
  const allowed = Object.values(ALLOWANCE)[(new Date(date).getUTCDay() + 6) % 7]!;
  const begin = Math.max(from, end - (allowed - LEFT_MIN) * MINUTE_MS);
  const middle = begin + Math.round((end - begin) / 3);
  if (middle - begin < MINUTE_MS) return [];
  return [
    { from: begin, to: middle, game: GAMES[1] },
    { from: middle, to: end, game: GAMES[0] },
  ];
}

/** A heartbeat a minute, from before the first game of a day to after the last. */
export function* polls(
  all: readonly Play[],
  { now, deviceId }: { now: number; deviceId: string },
): Generator<Poll> {
  let at = 0;
  let makingMs = 0;
  const ids = idSource({ ...systemClock, now: () => makingMs });
  for (const [index, play] of all.entries()) {
    // Two games in a row need no machine that is off in between.
    const until = Math.min(play.to + AROUND_MS, now, all[index + 1]?.from ?? Infinity);
    for (at = Math.max(at, play.from - AROUND_MS); at < until; at += POLL_SEC * 1_000) {
      makingMs = at;
      const games = at >= play.from && at < play.to ? [play.game] : [];
      const heartbeat: Heartbeat = {
        id: ids(),
        device_id: deviceId,
        timestamp_utc: instantOf(at),
        is_playing: games.length > 0,
        poll_interval_sec: POLL_SEC,
        process_name: games[0]?.process_name ?? null,
      };
      yield { heartbeat, games };
    }
  }
}

/** Writes it with the days, slots and games that follow from it; called inside `write`. */
export function recordPlays(
  tables: Tables,
  present: Present & { deviceId: string },
): void {
  for (const { heartbeat, games } of polls(plays(present), present)) {
    recordHeartbeat(tables, heartbeat, { allowance: ALLOWANCE, games });
  }
}
