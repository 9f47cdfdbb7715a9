/** Play time's part of the local API: days, slots and heartbeats, read only but for `/recompute`. @module */
import * as v from "valibot";
import {
  addDays,
  type Clock,
  type Day,
  dayAt,
  dayBounds,
  daysBetween,
  dayText,
  type Instant,
  instantOf,
  instantText,
  isDay,
  listing,
  msOf,
  type Placed,
  Problem,
  type Route,
  route,
  SLOT_MS,
  STORING,
  wholeNumber,
  zoneText,
} from "../../core/mod.ts";
import { inSlices } from "../../store/mod.ts";
import { type DayOptions, type DayView, utcDays, zoneDay } from "./days.ts";
import type { RecomputeResult } from "./recompute.ts";
import type { Span } from "./slots.ts";
import type { Tables } from "./tables.ts";

export interface PlaytimeRoutesOptions extends DayOptions {
  tables: Tables;
  clock: Clock;
  recompute: () => Promise<RecomputeResult>;
}

const MAX_DAYS = 366;
const MAX_SLOT_DAYS = 31;
const MAX_HISTORY = 5_000;

const instant = v.pipe(v.string(), v.isoTimestamp());
const minutes = v.pipe(v.number(), v.minValue(0));

const day = v.object({
  device_id: v.string(),
  date_utc: v.pipe(v.string(), v.isoDate(), v.description("the day, as time_zone counts days")),
  time_zone: v.string(),
  minutes_used: minutes,
  minutes_overdraft: v.pipe(
    minutes,
    v.description("minutes beyond the allowance; 0 without a limit"),
  ),
  allowance_min: v.pipe(
    v.nullable(minutes),
    v.description("minutes that the day allows; null without a limit"),
  ),
  last_heartbeat_at: v.nullable(instant),
  updated_at: v.nullable(instant),
});

const slot = v.object({
  device_id: v.string(),
  slot_utc: v.pipe(instant, v.description("when the 15 minutes begin")),
  minutes_used: minutes,
});

const heartbeat = v.object({
  id: v.string(),
  device_id: v.string(),
  timestamp_utc: instant,
  is_playing: v.boolean(),
  poll_interval_sec: v.number(),
  process_name: v.nullable(v.string()),
  synced_at: v.nullable(instant),
});

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

export function playtimeRoutes(options: PlaytimeRoutesOptions): readonly Route[] {
  const { tables, clock, deviceId } = options;
  const today = (timeZone = "UTC") => dayAt(clock.now(), timeZone);

  return [
    route({
      method: "GET",
      path: "/daily",
      summary: "The minutes of a day; zeros for a day without data",
      tag: "playtime",
      query: v.strictObject({
        date: v.optional(v.pipe(dayText(), v.description("default: today"))),
        tz: v.optional(v.pipe(zoneText(), v.description("whose day it is; default: UTC"))),
      }),
      answer: day,
      handle: async ({ query }) => {
        const date = query.date ?? today(query.tz);
        const [only] = await days({ from: date, to: date }, query.tz);
        return only!;
      },
    }),
    route({
      method: "GET",
      path: "/days",
      summary: "The minutes of each day from one to another, for charts",
      tag: "playtime",
      query: v.strictObject({
        from: v.optional(v.pipe(dayText(), v.description("default: 29 days before to"))),
        to: v.optional(v.pipe(dayText(), v.description("the last day; default: today"))),
        tz: v.optional(v.pipe(zoneText(), v.description("whose days these are; default: UTC"))),
      }),
      answer: v.array(day),
      handle: ({ query }) => {
        const to = query.to ?? today(query.tz);
        const from = query.from ?? addDays(to, -29);
        checkRange({ from, to });
        return days({ from, to }, query.tz);
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
      handle: ({ query: { from = today(), to = today() } }) => {
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
      query: v.strictObject({
        limit: v.optional(
          v.pipe(wholeNumber({ min: 1, max: MAX_HISTORY }), v.description("at most so many")),
          "200",
        ),
        before: v.optional(
          v.pipe(
            place(),
            v.description(
              "a time, or where the page begins: from the Link header of the one before",
            ),
          ),
        ),
      }),
      answer: v.array(heartbeat),
      paged: true,
      handle: ({ query: { limit, before = Number.MAX_SAFE_INTEGER }, raw }) =>
        listing(raw, {
          limit,
          after: typeof before === "number" ? before : tables.heartbeats.seqAt(before),
          read: ({ after = Number.MAX_SAFE_INTEGER, until = 0 }) => history(after, until),
          next: (before) => ({ limit, before }),
        }),
    }),
    route({
      method: "POST",
      path: "/recompute",
      summary: "Makes days and slots anew from the raw heartbeats, where these are all still there",
      tag: "playtime",
      problems: STORING,
      answer: v.object({
        days: v.pipe(count, v.description("days made anew")),
        changed: v.pipe(count, v.description("days whose numbers were others before")),
        incomplete: v.pipe(count, v.description("days left as they are")),
      }),
      handle: () => options.recompute(),
    }),
  ];

  async function days(range: { from: Day; to: Day }, timeZone = "UTC"): Promise<DayView[]> {
    if (timeZone === "UTC") return utcDays(tables, range, options);
    const wanted = daysBetween(range.from, range.to) + 1;
    const views: DayView[] = [];
    await inSlices((budget) => {
      do {
        const day = addDays(range.from, views.length);
        views.push(zoneDay(tables, { day, timeZone }, options));
      } while (views.length < wanted && budget.left());
      return views.length < wanted;
    });
    return views;
  }

  function* history(before: number, from: number): Generator<Placed<number>> {
    for (const { seq, heartbeat } of tables.heartbeats.span({ before, from })) {
      yield { at: seq, json: JSON.stringify(heartbeat) };
    }
  }
}

/** A place in the history: a number of its `Link` header, or a point in time. */
function place(): v.GenericSchema<string, number | Instant> {
  const message = "expected a time as 2026-03-02T12:00:00.000Z, or the link to the next page";
  const number = wholeNumber({ min: 1, max: Number.MAX_SAFE_INTEGER });
  return v.union([number, instantText()], message);
}

/** A day or a point in time. */
function moment(): v.GenericSchema<string, string> {
  const message = "expected a day as YYYY-MM-DD or a time as 2026-03-02T12:00:00.000Z";
  return v.pipe(
    v.string(message),
    v.check((text) => isDay(text) || v.is(instantText(), text), message),
  );
}

/** A day from its beginning to its end; a point in time as both. */
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
