/** Punches and the quarantine over HTTP. @module */
import * as v from "valibot";
import { punch, quarantineEntry, retried } from "../../contract/attendance.ts";
import {
  entryNumber,
  instantOf,
  listing,
  pageQuery,
  type Route,
  route,
  STORING,
} from "../../core/mod.ts";
import { dayOrInstant, serial, textAs } from "./params.ts";
import type { Position, Punches } from "./storage/punches.ts";
import type { Quarantine } from "./storage/quarantine.ts";
import type { QuarantineRetry } from "./protocols/quarantine_retry.ts";

export interface AttendanceRoutesOptions {
  punches: Punches;
  quarantine: Quarantine;
  retry: QuarantineRetry;
  /** The zone of `from` and `to` where they are days. */
  timeZone: string;
}

const WHICH = "expected { ids: [1, 2] } or { all: true }";
const entries = v.pipe(
  v.union([
    v.strictObject({
      ids: v.pipe(
        v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
        v.minLength(1),
        v.maxLength(1_000),
      ),
    }),
    v.strictObject({ all: v.literal(true) }),
  ], WHICH),
  v.metadata({
    description: "which entries: by their ids, or all there are",
    examples: [{ ids: [7] }, { all: true }],
  }),
);

export function attendanceRoutes(options: AttendanceRoutesOptions): Route[] {
  const { punches, quarantine, retry, timeZone } = options;
  const tag = "attendance";
  return [
    route({
      method: "GET",
      path: "/punches",
      summary: "Punches, newest first",
      tag,
      query: v.strictObject({
        ...pageQuery("before", position(), {
          limit: 200,
          max: 5_000,
          description: "a time, or where the page begins: from the Link header of the one before",
        }),
        device: v.optional(v.pipe(serial, v.description("of this device: its serial number"))),
        person: v.optional(
          v.pipe(
            v.string(),
            v.maxLength(64),
            v.description("of this person, by any of the person's ids"),
          ),
        ),
        from: v.optional(v.pipe(
          dayOrInstant(timeZone, "from"),
          v.description("from this day of the devices' time zone, or this time, on"),
        )),
        to: v.optional(v.pipe(
          dayOrInstant(timeZone, "to"),
          v.description("to the end of this day, or before this time"),
        )),
      }),
      answer: v.array(punch),
      paged: true,
      handle: ({ query: { limit, before, ...which }, raw }) =>
        listing(raw, {
          limit,
          after: before,
          *read({ after: before, until }) {
            for (const { at, punch } of punches.list(which, { before, until })) {
              yield { at, json: JSON.stringify(punch) };
            }
          },
          next: ({ punchedAt, seq }) => ({ before: `${punchedAt}.${seq}` }),
        }),
    }),
    route({
      method: "GET",
      path: "/quarantine",
      summary: "What devices sent that could not be understood, newest first",
      tag,
      query: v.strictObject(
        pageQuery("before", entryNumber(), {
          limit: 50,
          max: 200,
          description: "before the entry of this id",
        }),
      ),
      answer: v.array(quarantineEntry),
      paged: true,
      handle: ({ query: { limit, before }, raw }) =>
        listing(raw, {
          limit,
          after: before,
          *read({ after: before, until }) {
            for (const entry of quarantine.span({ before, from: until })) {
              yield { at: entry.id, json: JSON.stringify(entry) };
            }
          },
          next: (before) => ({ before }),
        }),
    }),
    route({
      method: "POST",
      path: "/quarantine/retry",
      summary: "Read entries of the quarantine again: those that are understood now become punches",
      tag,
      body: entries,
      problems: STORING,
      answer: retried,
      handle: ({ body }) => retry("ids" in body ? body.ids : undefined),
    }),
  ];
}

/** A place in the list of punches: an instant, or what the link to the next page has. */
function position(): v.GenericSchema<string, Position> {
  const WRITTEN = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?Z)(?:\.(\d{1,15}))?$/;
  const message = "expected a time as 2026-03-02T12:00:00.000Z, or the link to the next page";
  return textAs(message, (text) => {
    const [, at = "", seq = "0"] = WRITTEN.exec(text) ?? [];
    const ms = Date.parse(at);
    return Number.isNaN(ms) ? undefined : { punchedAt: instantOf(ms), seq: Number(seq) };
  });
}
