/** Limits of a grant, made by the local API or in the cloud. @module */
import * as v from "valibot";
import { addDays, type Day, daysBetween } from "../../../core/mod.ts";

/** Days between the day on which a grant is made and the day for which it is. */
const MAX_DAYS_BACK = 366;
const MAX_DAYS_AHEAD = 31;

/** Grants of a day made here: an endless script must not fill the table. */
export const MAX_GRANTS_A_DAY = 100;
/** Grants of a day with the cloud's: a parent's still counts after 100 of this machine. */
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
    // SQLite's text ends at the first NUL, and UTF-8 cannot have half a surrogate pair.
    v.check((text) => !text.includes("\0") && text.isWellFormed(), message),
  );
}

/** Which days a grant made on `today` may be for, when `date` is not one of them. */
export function otherDays(date: Day, today: Day): string | undefined {
  const ahead = daysBetween(today, date);
  if (ahead >= -MAX_DAYS_BACK && ahead <= MAX_DAYS_AHEAD) return undefined;
  return `expected a day from ${addDays(today, -MAX_DAYS_BACK)} to ${
    addDays(today, MAX_DAYS_AHEAD)
  }`;
}
