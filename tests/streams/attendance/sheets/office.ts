/**
 * A month of an office, made up: 200 people at five doors, who forget, tap twice and work at night; the clocks go back,
 * a device is off for two days, another has lost its battery, and one numbers people in its own way.
 * @module
 */
import { Zone } from "../../../../src/streams/attendance/storage/time.ts";

export const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
export const BERLIN = "Europe/Berlin";
export const FROM = "2026-10-01";
export const TO = "2026-10-31";

export interface Door {
  sn: string;
  protocol: "aiface" | "iclock";
  timeZone: string;
  role?: "entrance" | "exit";
  /** Whether it sends 0 for in and 1 for out. */
  status?: boolean;
}

export const DOORS = {
  entrance: { sn: "ENTRANCE", protocol: "aiface", timeZone: BERLIN, role: "entrance" },
  exit: { sn: "EXIT", protocol: "aiface", timeZone: BERLIN, role: "exit" },
  keys: { sn: "KEYS", protocol: "iclock", timeZone: BERLIN, status: true },
  hall: { sn: "HALL", protocol: "aiface", timeZone: BERLIN },
  yard: { sn: "YARD", protocol: "iclock", timeZone: "Europe/London" },
} as const satisfies Record<string, Door>;

/** Somebody went through a door. */
export interface Tap {
  person: string;
  door: Door;
  atMs: number;
  way: "in" | "out";
  /** What the door's clock showed, where it was wrong. */
  wrongClock?: string;
}

/** The yard numbers people in its own way. */
export function idAt(door: Door, person: string): string {
  return door === DOORS.yard ? `Y${person}` : person;
}

interface Shift {
  inDoor: Door;
  outDoor: Door;
  begins: number;
  hours: number;
  lunch: boolean;
}

export interface Office {
  taps: Tap[];
  /** Persons whose every tap of the month was recorded right. */
  faultless: ReadonlySet<string>;
  /** What was meant: person and the day by the door's clock → minutes inside. */
  meant: ReadonlyMap<string, number>;
}

export function liveAMonth(seed: number): Office {
  const random = generator(seed);
  const taps: Tap[] = [];
  const faulty = new Set<string>();
  const meant = new Map<string, number>();
  for (let number = 0; number < 200; number++) {
    const person = String(1_000 + number);
    const shift = shiftOf(number);
    for (let day = 1; day <= 31; day++) {
      if ((day + number) % 9 === 0) continue;
      const planned = tapsOf(person, shift, { day, random });
      note(meant, planned);
      for (const [index, tap] of planned.entries()) {
        const isEdge = index === 0 || index === planned.length - 1;
        if (isEdge && random() < 0.02) {
          faulty.add(person);
          continue;
        }
        if (wrongClock(tap)) faulty.add(person);
        taps.push({ ...tap, ...wrongClock(tap) });
        if (random() < 0.05) taps.push({ ...tap, ...wrongClock(tap, 20), atMs: tap.atMs + 20_000 });
      }
    }
  }
  const persons = new Set(taps.map(({ person }) => person));
  return { taps, faultless: persons.difference(faulty), meant };
}

/** Day people at doors with roles, keys, none; night people; people who go in by one door and out by another. */
function shiftOf(number: number): Shift {
  const { entrance, exit, keys, hall, yard } = DOORS;
  const day = { begins: 8 + number % 3, hours: 8, lunch: number % 5 !== 0 };
  if (number < 80) return { ...day, inDoor: entrance, outDoor: exit };
  if (number < 120) return { ...day, inDoor: keys, outDoor: keys };
  if (number < 150) return { ...day, inDoor: hall, outDoor: hall };
  if (number < 165) return { ...day, inDoor: yard, outDoor: yard };
  if (number < 185) return { begins: 22, hours: 8, lunch: true, inDoor: hall, outDoor: hall };
  return { ...day, hours: 7, inDoor: hall, outDoor: yard };
}

function tapsOf(
  person: string,
  { inDoor, outDoor, begins, hours, lunch }: Shift,
  { day, random }: { day: number; random: () => number },
): Tap[] {
  const date = Temporal.PlainDate.from({ year: 2026, month: 10, day });
  const midnight = date.toZonedDateTime(BERLIN).epochMilliseconds;
  const late = () => Math.floor(random() * 20) * MINUTE_MS;
  const begin = midnight + begins * HOUR_MS + late();
  const end = begin + hours * HOUR_MS + late();
  const tap = (way: "in" | "out", door: Door, atMs: number): Tap => ({ person, door, atMs, way });
  // In the night of the 25th this lies in the hour that comes twice, the first time.
  const noon = begin + 4 * HOUR_MS + 10 * MINUTE_MS;
  const pause = lunch
    ? [tap("out", outDoor, noon), tap("in", inDoor, noon + 10 * MINUTE_MS + late())]
    : [];
  return [tap("in", inDoor, begin), ...pause, tap("out", outDoor, end)];
}

/** The minutes of planned stays, on the day of the door's clock on which each began. */
function note(meant: Map<string, number>, planned: readonly Tap[]): void {
  for (let at = 0; at < planned.length; at += 2) {
    const [entry, exit] = [planned[at]!, planned[at + 1]!];
    const key = `${entry.person} ${new Zone(entry.door.timeZone).wallAt(entry.atMs).slice(0, 10)}`;
    meant.set(key, (meant.get(key) ?? 0) + (exit.atMs - entry.atMs) / MINUTE_MS);
  }
}

/** The hall's battery was empty on the 14th, the yard's clock was set to another month on the 20th. */
function wrongClock({ door, atMs }: Tap, laterSec = 0): { wrongClock: string } | undefined {
  const wall = new Zone(door.timeZone).wallAt(atMs + laterSec * 1_000);
  const hour = Number(wall.slice(11, 13));
  if (hour < 8 || hour >= 14) return undefined;
  if (door === DOORS.hall && wall.startsWith("2026-10-14")) {
    return { wrongClock: `2000-01-01${wall.slice(10)}` };
  }
  if (door === DOORS.yard && wall.startsWith("2026-10-20")) {
    return { wrongClock: `2026-12-20${wall.slice(10)}` };
  }
  return undefined;
}

/** https://en.wikipedia.org/wiki/Linear_congruential_generator, in its 32-bit form. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
