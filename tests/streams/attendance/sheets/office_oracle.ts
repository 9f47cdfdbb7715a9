/**
 * Sheets reckoned in another way: somebody stands at the door the whole month, looks at the clock each minute, and
 * keeps for each person whether they are inside and for how long already. Nothing is paired, and nothing is asked of
 * the code under test.
 * @module
 */
import { type Door, MINUTE_MS, type Tap } from "./office.ts";

/** A person's day as the doorkeeper has noted it. */
export interface Noted {
  minutes: number;
  firstIn: number | null;
  lastOut: number | null;
  missingIn: boolean;
  missingOut: boolean;
}

interface Watched {
  /** Minutes inside already; null: outside. */
  inside: number | null;
  /** The day on which the stay began. */
  day: string;
  entryMs: number;
  tappedAtMs: number;
  way: "in" | "out";
}

export interface Watch {
  /** `1001 2026-10-05` → what was noted. */
  days: Map<string, Noted>;
  /** Who was inside at the minute asked for, since when. */
  insideThen: Map<string, number>;
}

const MAX_STAY_MINUTES = 16 * 60;

export function watchTheDoors(
  taps: readonly Tap[],
  { fromMs, toMs, thenMs }: { fromMs: number; toMs: number; thenMs: number },
): Watch {
  const minutes = new Map<number, Tap[]>();
  for (const tap of taps) {
    // A time that cannot be right is not looked at.
    if (tap.wrongClock) continue;
    const minute = Math.floor(tap.atMs / MINUTE_MS);
    minutes.set(minute, [...minutes.get(minute) ?? [], tap]);
  }
  const people = new Map<string, Watched>();
  const days = new Map<string, Noted>();
  const insideThen = new Map<string, number>();
  for (let minute = fromMs / MINUTE_MS; minute <= toMs / MINUTE_MS; minute++) {
    for (const [person, watched] of people) {
      if (watched.inside !== null && watched.inside > MAX_STAY_MINUTES) {
        noted(days, person, watched.day).missingOut = true;
        watched.inside = null;
      }
    }
    const now = (minutes.get(minute) ?? []).sort((a, b) => a.atMs - b.atMs);
    for (const tap of now) pass(tap, { people, days });
    if (minute === thenMs / MINUTE_MS) {
      for (const [person, { inside, entryMs }] of people) {
        if (inside !== null) insideThen.set(person, entryMs);
      }
    }
    for (const watched of people.values()) if (watched.inside !== null) watched.inside++;
  }
  return { days, insideThen };
}

function pass(
  tap: Tap,
  { people, days }: { people: Map<string, Watched>; days: Map<string, Noted> },
): void {
  const { person, door, atMs } = tap;
  const known = people.get(person);
  const again = known !== undefined && atMs - known.tappedAtMs <= MINUTE_MS;
  // Whom nobody asks is where they were not.
  const isInside = known !== undefined && known.inside !== null;
  const way = told(door, tap.way) ?? (again ? known.way : isInside ? "out" : "in");
  const repeats = again && known.way === way;
  const watched = known ?? { inside: null, day: "", entryMs: 0, tappedAtMs: 0, way };
  people.set(person, watched);
  watched.tappedAtMs = atMs;
  watched.way = way;
  if (repeats) return;
  const today = dateAt(door, atMs);
  if (way === "in") {
    if (watched.inside !== null) noted(days, person, watched.day).missingOut = true;
    Object.assign(watched, { inside: 0, day: today, entryMs: atMs });
    noted(days, person, today).firstIn ??= atMs;
    return;
  }
  if (watched.inside === null) noted(days, person, today).missingIn = true;
  else noted(days, person, watched.day).minutes += watched.inside;
  noted(days, person, watched.inside === null ? today : watched.day).lastOut = atMs;
  watched.inside = null;
}

/** What is known of a door's taps by themselves. */
function told({ role, status }: Door, way: "in" | "out"): "in" | "out" | undefined {
  if (role) return role === "entrance" ? "in" : "out";
  return status ? way : undefined;
}

function noted(days: Map<string, Noted>, person: string, day: string): Noted {
  const key = `${person} ${day}`;
  const known = days.get(key) ??
    { minutes: 0, firstIn: null, lastOut: null, missingIn: false, missingOut: false };
  days.set(key, known);
  return known;
}

function dateAt({ timeZone }: Door, ms: number): string {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone).toPlainDate()
    .toString();
}
