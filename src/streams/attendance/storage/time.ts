/**
 * The time of devices: a wall clock without a zone. The text is kept as the device sent it, the zone comes
 * from the configuration, and the instant is computed from both; this machine's own zone never matters.
 * @module
 */
import { type Day, type Instant, instantOf } from "../../../core/mod.ts";

/** A device's wall time as it is stored: `YYYY-MM-DD HH:MM:SS`. Sorts as text. */
export type WallTime = string;

export interface ReadTime {
  at: Instant;
  /** The time cannot be right, or may not be: the punch is kept and marked. */
  suspect: boolean;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** How far ahead of this machine a punch may be, and the year before which no device was made. */
const SUSPECT_AHEAD_MS = 10 * MINUTE_MS;
const SUSPECT_BEFORE_YEAR = "2020";

/** Years of which no zone makes another than one of four digits, which databases take and text sorts. */
const FIRST_YEAR = "1900";
const LAST_YEAR = "9997";

/** A punch this close to the second reading of an ambiguous wall time is taken to be that one. */
const LIVE_MS = 30 * MINUTE_MS;

/** As nearly all firmware writes it, and as it is stored. */
const USUAL = /^\d{4}-\d\d-\d\d (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d$/;
const WRITTEN =
  /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})[ T]\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?$/;
const DIGITS = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$/;
/** Seconds or milliseconds since 1970, from September 2001 on. */
const EPOCH = /^[1-9]\d{9}(\d{3})?$/;

/** The wall clock of a time zone. */
export class Zone {
  /** Day → the offset all day long in milliseconds; null on a day when the clocks change. */
  readonly #offsets = new Map<Day, number | null>();

  /** Every answer has the time: cached for a second. */
  #cachedAt = NaN;
  #cached: WallTime = "";

  constructor(readonly name: string) {}

  /**
   * A device's time as stored, from the ways in which firmware writes it: with blanks around it, with `T`,
   * with slashes, without leading zeros or seconds, as fourteen digits, as a Unix time.
   * @returns undefined when it is no time of the calendar
   */
  normalise(text: string): WallTime | undefined {
    if (USUAL.test(text) && this.#offsets.has(text.slice(0, 10))) return text;
    const trimmed = text.trim();
    if (EPOCH.test(trimmed)) return this.wallAt(+trimmed.padEnd(13, "0"));
    const match = WRITTEN.exec(trimmed) ?? DIGITS.exec(trimmed);
    if (!match) return undefined;
    const [, year, month, day, hour, minute, second = "0"] = match;
    if (year! < FIRST_YEAR || year! > LAST_YEAR) return undefined;
    const date = `${year}-${two(month!)}-${two(day!)}`;
    const time = `${two(hour!)}:${two(minute!)}:${two(second)}`;
    const utc = Date.parse(`${date}T${time}Z`);
    // A date such as February 30 is read as March 2, and hour 24 as the next day: the device is mistaken.
    if (Number.isNaN(utc) || !instantOf(utc).startsWith(`${date}T${time}`)) return undefined;
    return `${date} ${time}`;
  }

  /**
   * The instant of a wall time of this zone.
   *
   *     clocks go forward: 02:30 does not exist, is read as 03:30 and suspect
   *     clocks go back:    02:30 comes twice, and is the second for a punch that arrives then, else the first
   *
   * @param receivedMs when the punch arrived here
   */
  read(wall: WallTime, receivedMs: number): ReadTime {
    const fixed = this.#offsetOfDay(wall.slice(0, 10));
    const { ms, exists } = fixed === undefined
      ? this.#readNearChange(wall, receivedMs)
      : { ms: Date.parse(`${wall.replace(" ", "T")}Z`) - fixed, exists: true };
    const suspect = !exists || wall < SUSPECT_BEFORE_YEAR || ms > receivedMs + SUSPECT_AHEAD_MS;
    return { at: instantOf(ms), suspect };
  }

  /** The wall time of an instant, as sent to devices. */
  wallAt(ms: number): WallTime {
    const second = Math.floor(ms / 1000);
    if (second !== this.#cachedAt) {
      this.#cachedAt = second;
      this.#cached = instantOf(ms + this.offsetAt(ms)).slice(0, 19).replace("T", " ");
    }
    return this.#cached;
  }

  /** How far the zone is ahead of UTC at a moment, in milliseconds. */
  offsetAt(ms: number): number {
    return Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)).toZonedDateTimeISO(this.name)
      .offsetNanoseconds / 1e6;
  }

  /** The same in minutes, as sent to devices. */
  offsetMinutesAt(ms: number): number {
    return Math.round(this.offsetAt(ms) / 60_000);
  }

  #readNearChange(wall: WallTime, receivedMs: number): { ms: number; exists: boolean } {
    const plain = Temporal.PlainDateTime.from(wall.replace(" ", "T"));
    const first = plain.toZonedDateTime(this.name, { disambiguation: "earlier" });
    const second = plain.toZonedDateTime(this.name, { disambiguation: "later" }).epochMilliseconds;
    const exists = first.toPlainDateTime().equals(plain);
    const isSecond = !exists || Math.abs(receivedMs - second) <= LIVE_MS;
    return { ms: isSecond ? second : first.epochMilliseconds, exists };
  }

  #offsetOfDay(day: Day): number | undefined {
    const known = this.#offsets.get(day);
    if (known !== undefined) return known ?? undefined;
    const date = Temporal.PlainDate.from(day);
    const start = date.toZonedDateTime(this.name);
    const end = date.add({ days: 1 }).toZonedDateTime(this.name);
    const same = start.offsetNanoseconds === end.offsetNanoseconds &&
      end.epochMilliseconds - start.epochMilliseconds === DAY_MS;
    const offset = same ? start.offsetNanoseconds / 1e6 : null;
    // Hostile devices may name any day there is.
    if (this.#offsets.size >= 1_000) this.#offsets.clear();
    this.#offsets.set(day, offset);
    return offset ?? undefined;
  }
}

/** One `Zone` for each name: a zone remembers the offsets it has computed. */
export class Zones {
  readonly #zones = new Map<string, Zone>();

  get(name: string): Zone {
    const zone = this.#zones.get(name) ?? new Zone(name);
    this.#zones.set(name, zone);
    return zone;
  }
}

function two(digits: string): string {
  return digits.padStart(2, "0");
}
