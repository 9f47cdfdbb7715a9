/** What a grant may be, whether it comes by the local API or from the cloud. @module */
import * as v from "valibot";
import { addDays, type Day, daysBetween } from "../../../core/mod.ts";

/** How far from the day on which it is made the day of a grant may be. */
const MAX_DAYS_BACK = 366;
const MAX_DAYS_AHEAD = 31;

/** Grants of a day beyond which this machine makes none: a script that never ends must not fill the table. */
export const MAX_GRANTS_A_DAY = 100;
/** Grants of a day beyond which those of the cloud do not count: a parent's does beside 100 of the machine. */
export const MAX_SYNCED_GRANTS_A_DAY = 1_000;

export function extraMin(): v.GenericSchema<number, number> {
  const message = "expected minutes from -1440 to 1440, other than 0";
  return v.pipe(
    v.number(message),
    v.minValue(-1440, message),
    v.maxValue(1440, message),
    v.notValue(0, message),
  );
}

export function shortText(): v.GenericSchema<string, string> {
  const message = "expected text of 1 to 200 characters";
  return v.pipe(
    v.string(message),
    v.minLength(1, message),
    v.maxLength(200, message),
    // SQLite's text ends at the first NUL, and UTF-8 has no way to write half a surrogate pair.
    v.check((text) => !text.includes("\0") && text.isWellFormed(), message),
  );
}

/** The days that a grant made on `today` may be for, where `date` is not one of them. */
export function otherDays(date: Day, today: Day): string | undefined {
  const ahead = daysBetween(today, date);
  if (ahead >= -MAX_DAYS_BACK && ahead <= MAX_DAYS_AHEAD) return undefined;
  return `expected a day from ${addDays(today, -MAX_DAYS_BACK)} to ${
    addDays(today, MAX_DAYS_AHEAD)
  }`;
}
