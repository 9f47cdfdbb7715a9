/** Play time in the local API: days, slots and heartbeats. @module */
import * as v from "valibot";
import {
  dayView,
  type RecomputeResult,
  recomputeResult,
  slot,
  storedHeartbeat,
} from "../../contract/playtime.ts";
import {
  addDays,
  type Clock,
  type Day,
  dayAt,
  dayBounds,
  daysBetween,
  dayText,
  entryNumber,
  type Instant,
  instantOf,
  instantText,
  isDay,
  listing,
  MIDNIGHT,
  msOf,
  pageQuery,
  Problem,
  type Route,
  route,
  SLOT_MS,
  STORING,
  zoneText,
} from "../../core/mod.ts";
import type { AllowanceBook } from "./allowance/book.ts";
import { personDay } from "./allowance/rules.ts";
import { allowanceRoutes } from "./allowance/routes.ts";
import { type DayOptions, inDays, utcDay, utcDays, zoneDay } from "./days/days.ts";
import type { Span } from "./days/slots.ts";
import { gameRoutes } from "./games/routes.ts";
import type { Tables } from "./tables.ts";

export interface PlaytimeRoutesOptions extends DayOptions {
  tables: Tables;
  clock: Clock;
  book: AllowanceBook;
  recompute: () => Promise<RecomputeResult>;
}

const MAX_DAYS = 366;
const MAX_SLOT_DAYS = 31;
const MAX_HISTORY = 5_000;

export function playtimeRoutes(options: PlaytimeRoutesOptions): readonly Route[] {
  const { tables, clock, deviceId, rules, book } = options;
  const utcToday = () => dayAt(clock.now());
  const todayIn = (timeZone: string | undefined) =>
    timeZone === undefined ? utcToday() : personDay(clock.now(), { ...rules, timeZone });

  return [
    route({
      method: "GET",
      path: "/daily",
      summary: "The minutes of a day; zeros for a day without data",
      tag: "playtime",
      query: v.strictObject({
        date: v.optional(v.pipe(dayText(), v.description("default: today"))),
        tz: v.optional(
          v.pipe(
            zoneText(),
            v.description("whose day it is, from day_starts_at; default: a UTC day from midnight"),
          ),
        ),
      }),
      answer: dayView,
      handle: ({ query: { tz: timeZone, date = todayIn(timeZone) } }) =>
        isUtcDay(timeZone)
          ? utcDay(tables, date, options)
          : zoneDay(tables, { date, timeZone }, options),
    }),
    route({
      method: "GET",
      path: "/days",
      summary: "The minutes of each day from one to another, for charts",
      tag: "playtime",
      query: v.strictObject({
        from: v.optional(v.pipe(dayText(), v.description("default: 29 days before to"))),
        to: v.optional(v.pipe(dayText(), v.description("the last day; default: today"))),
        tz: v.optional(
          v.pipe(
            zoneText(),
            v.description("whose days these are, from day_starts_at; default: UTC from midnight"),
          ),
        ),
      }),
      answer: v.array(dayView),
      handle: ({ query: { tz: timeZone, to = todayIn(timeZone), from = addDays(to, -29) } }) => {
        checkRange({ from, to });
        return isUtcDay(timeZone)
          ? utcDays(tables, { from, to }, options)
          : inDays({ from, to }, (date) => zoneDay(tables, { date, timeZone }, options));
      },
    }),
    route({
      method: "GET",
      path: "/slots",
      summary: "The quarters of an hour with play",
      tag: "playtime",
      query: v.strictObject({
        from: v.optional(v.pipe(moment(), v.description("a UTC day or a time; default: today"))),
        to: v.optional(
          v.pipe(
            moment(),
            v.description("the last UTC day, or the time before which; default: today"),
          ),
        ),
      }),
      answer: v.array(slot),
      handle: ({ query: { from = utcToday(), to = utcToday() } }) => {
        const span = { from: spanOf(from).from, to: spanOf(to).to };
        checkSpan(span, { to });
        return tables.slots.between(deviceId, span);
      },
    }),
    route({
      method: "GET",
      path: "/history",
      summary: "Heartbeats, newest first",
      tag: "playtime",
      query: v.strictObject(
        pageQuery("before", place(), {
          limit: 200,
          max: MAX_HISTORY,
          description: "a time, or where the page begins: from the Link header of the one before",
        }),
      ),
      answer: v.array(storedHeartbeat),
      paged: true,
      handle: ({ query: { limit, before = Number.MAX_SAFE_INTEGER }, raw }) =>
        listing(raw, {
          limit,
          after: typeof before === "number" ? before : tables.heartbeats.seqAt(before),
          read: ({ after: before = Number.MAX_SAFE_INTEGER, until: from = 0 }) =>
            tables.heartbeats.texts({ before, from, limit }),
          next: (before) => ({ limit, before }),
        }),
    }),
    ...gameRoutes({ games: tables.games, clock, deviceId, rules, checkRange }),
    route({
      method: "POST",
      path: "/recompute",
      summary:
        "Computes days and slots again from raw heartbeats, where all of these are still stored",
      tag: "playtime",
      problems: STORING,
      answer: recomputeResult,
      handle: () => options.recompute(),
    }),
    ...allowanceRoutes(book),
  ];

  /** Whether the days are those of the rollups. */
  function isUtcDay(timeZone: string | undefined): timeZone is undefined {
    return timeZone === undefined || (timeZone === "UTC" && rules.startsAt === MIDNIGHT);
  }
}

/** A place in the history: a number from the `Link` header, or a point in time. */
function place(): v.GenericSchema<string, number | Instant> {
  const message = "expected a time as 2026-03-02T12:00:00.000Z, or the link to the next page";
  return v.union([entryNumber(), instantText()], message);
}

/** A day or a point in time. */
function moment(): v.GenericSchema<string, string> {
  const message = "expected a day as YYYY-MM-DD or a time as 2026-03-02T12:00:00.000Z";
  return v.pipe(
    v.string(message),
    v.check((text) => isDay(text) || v.is(instantText(), text), message),
  );
}

/** The bounds of a day; a point in time is both bounds. */
function spanOf(text: string): Span {
  return isDay(text) ? dayBounds(text) : { from: msOf(text), to: msOf(text) };
}

function checkRange({ from, to }: { from: Day; to: Day }): void {
  if (daysBetween(from, to) < 0) refuseFrom(`expected a day not after "to" (${to})`);
  if (daysBetween(from, to) < MAX_DAYS) return;
  refuseFrom(
    `expected a day within ${MAX_DAYS} days up to "to" (${addDays(to, 1 - MAX_DAYS)} or later)`,
  );
}

function checkSpan(span: Span, { to }: { to: string }): void {
  if (span.from > span.to) refuseFrom(`expected a time not after "to" (${to})`);
  const earliest = span.to - MAX_SLOT_DAYS * 96 * SLOT_MS;
  if (span.from >= earliest) return;
  refuseFrom(
    `expected a time within ${MAX_SLOT_DAYS} days before "to" (${instantOf(earliest)} or later)`,
  );
}

function refuseFrom(message: string): never {
  throw new Problem(400, "Invalid request", {
    detail: `query parameter "from": ${message}`,
    extra: { parameter: "from", errors: [{ field: "from", message }] },
  });
}
