/**
 * What routes take in their path and query: text in, a meaning out, and a message for people when it has none.
 * A default is given as text too: `v.optional(wholeNumber({ min: 1, max: 5000 }), "200")`.
 * What describes the text to readers of the documentation (`v.metadata`) stands before what transforms it.
 * @module
 */
import * as v from "valibot";
import { type Instant, instantOf } from "../time/clock.ts";
import { type Day, isDay, isTimeZone } from "../time/day.ts";

/** A whole number within bounds: `limit=200`. */
export function wholeNumber(
  { min, max }: { min: number; max: number },
): v.GenericSchema<string, number> {
  const message = `expected a whole number from ${min} to ${max}`;
  return v.pipe(
    v.string(message),
    v.check((text) => /^-?\d{1,15}$/.test(text) && +text >= min && +text <= max, message),
    v.metadata({ type: "integer", minimum: min, maximum: max }),
    v.transform(Number),
  );
}

/** The query of a paged list: `limit`, and the cursor that the `Link` header moves. */
export function pageQuery<Cursor extends string, At>(
  cursor: Cursor,
  at: v.GenericSchema<string, At>,
  { limit, max, description }: { limit: number; max: number; description: string },
):
  & { limit: v.OptionalSchema<v.GenericSchema<string, number>, string> }
  & { [name in Cursor]: v.OptionalSchema<v.GenericSchema<string, At>, undefined> } {
  const most = v.pipe(wholeNumber({ min: 1, max }), v.description("entries in the answer at most"));
  const from = v.optional(v.pipe(at, v.description(description)));
  // A computed key has the type `string`.
  const place = { [cursor]: from } as { [name in Cursor]: typeof from };
  return { limit: v.optional(most, String(limit)), ...place };
}

/** The number of an entry, where a list is in the order of numbers. */
export function entryNumber(): v.GenericSchema<string, number> {
  return wholeNumber({ min: 1, max: Number.MAX_SAFE_INTEGER });
}

/** A day of the calendar: `date=2026-03-02`. */
export function dayText(): v.GenericSchema<string, Day> {
  const message = "expected a day as YYYY-MM-DD";
  return v.pipe(v.string(message), v.check(isDay, message), v.metadata({ format: "date" }));
}

/** A time zone by its IANA name: `tz=Europe/Berlin`. */
export function zoneText(): v.GenericSchema<string, string> {
  const message = "expected a time zone such as Europe/Berlin or UTC";
  return v.pipe(v.string(message), v.check(isTimeZone, message));
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** A point in time with its offset, brought to UTC and milliseconds: `before=2026-03-02T12:00:00.000Z`. */
export function instantText(): v.GenericSchema<string, Instant> {
  const message = "expected a time as 2026-03-02T12:00:00.000Z";
  return v.pipe(
    v.string(message),
    // `Date.parse` takes the 30th of February for the 2nd of March.
    v.check(
      (text) => INSTANT.test(text) && isDay(text.slice(0, 10)) && !Number.isNaN(Date.parse(text)),
      message,
    ),
    v.metadata({ format: "date-time" }),
    v.transform((text) => instantOf(Date.parse(text))),
  );
}

/** Yes or no: `partial=true`. */
export function yesNo(): v.GenericSchema<string, boolean> {
  const message = "expected true or false";
  return v.pipe(
    v.string(message),
    v.check((text) => text === "true" || text === "false", message),
    v.metadata({ type: "boolean" }),
    v.transform((text) => text === "true"),
  );
}
