/** What several routes of this stream take. @module */
import * as v from "valibot";
import { dayBounds, type Instant, instantOf, instantText, isDay } from "../../core/mod.ts";
import { isSerial } from "./devices/device.ts";
import { isPersonId } from "./storage/parsed.ts";

export const serial = v.pipe(
  v.string("expected a serial number"),
  v.check(isSerial, "expected a serial number of letters, digits, - and _"),
  v.description("the device's serial number"),
);

export const personId = v.pipe(
  v.string("expected the id of a person"),
  v.check(isPersonId, "expected an id of 1 to 64 characters without blanks"),
);

/** Text that has a meaning: `read` returns undefined where it has none. */
export function textAs<T>(
  message: string,
  read: (text: string) => T | undefined,
): v.GenericSchema<string, T> {
  return v.pipe(
    v.string(message),
    v.check((text) => read(text) !== undefined, message),
    v.transform((text) => read(text)!),
  );
}

/** An instant, or a day of the devices' zone: `from` its beginning, `to` its end. */
export function dayOrInstant(
  timeZone: string,
  edge: "from" | "to",
): v.GenericSchema<string, Instant> {
  const message = "expected a day as YYYY-MM-DD or a time as 2026-03-02T12:00:00.000Z";
  return textAs(message, (text) => {
    if (isDay(text)) return instantOf(dayBounds(text, timeZone)[edge]);
    const { success, output } = v.safeParse(instantText(), text);
    return success ? output : undefined;
  });
}
