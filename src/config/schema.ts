/**
 * Every key of the configuration: its meaning, its limits and its default. Flags, variables,
 * `--help` and messages are made from this.
 * @module
 */
import * as v from "valibot";
import { attendance, events, records, supabase } from "./blocks.ts";
import {
  file,
  host,
  httpUrl,
  line,
  minutes,
  oneOf,
  origin,
  startOfDay,
  timeZone,
  token,
  whole,
  yesNo,
} from "./checks.ts";

/** Conditions for a process to count as the game; `*` matches any text. */
export interface ProcessMatcher {
  image: string;
  window_title?: string;
  command?: string;
  /** Titles and commands that are something else after all. */
  except?: readonly string[];
  /** Name of the game. */
  label?: string;
  /** Minutes of play of this game alone. */
  daily_allowance_min?: Allowance;
}

/** Minutes a day: the same every day, or by weekday, where a day that is not named allows none. */
type Allowance = v.InferOutput<typeof allowance>;

const dayMinutes = v.optional(minutes(), 0);
const allowance = v.union([
  minutes(),
  v.strictObject({
    mon: dayMinutes,
    tue: dayMinutes,
    wed: dayMinutes,
    thu: dayMinutes,
    fri: dayMinutes,
    sat: dayMinutes,
    sun: dayMinutes,
  }),
], 'expected minutes from 0 to 1440, or minutes by weekday such as { "mon": 60, "sat": 120 }');

const image = line('a process name such as "Minecraft.exe"');
const processName =
  'expected a process name, { "image", "window_title"?, "command"?, "except"?, "label"?, "daily_allowance_min"? }, or a list of these';
const processMatcher = v.strictObject({
  image,
  window_title: v.optional(line("a window title, * for anything")),
  command: v.optional(line("a command line, * for anything")),
  except: v.optional(v.array(line("a title or a command line, * for anything"), processName)),
  label: v.optional(line("the name of the game", { max: 100 })),
  daily_allowance_min: v.optional(allowance),
}, processName);
const processNames = v.pipe(
  v.union([
    image,
    processMatcher,
    v.pipe(
      v.array(v.union([image, processMatcher], processName), processName),
      v.minLength(1, "expected at least one process name"),
    ),
  ], processName),
  v.transform((names): ProcessMatcher[] =>
    (Array.isArray(names) ? names : [names]).map((name) =>
      typeof name === "string" ? { image: name } : withoutUndefined(name)
    )
  ),
);

export const configSchema = v.object({
  endpoint_url: v.optional(
    v.nullable(v.pipe(httpUrl(), v.description("where play time goes; without it, to Supabase"))),
    null,
  ),
  endpoint_gzip: v.optional(
    v.pipe(yesNo(), v.description("whether what goes to endpoints is compressed")),
    false,
  ),
  endpoint_fields: v.optional(
    v.pipe(
      v.array(oneOf(["minutes_left"]), "expected a list with minutes_left or without"),
      v.description("what heartbeats to endpoint_url have beside their own fields"),
    ),
    [],
  ),
  device_id: v.optional(
    v.nullable(
      v.pipe(
        line("an id", { max: 200 }),
        v.description("name of this device (default: made on first run)"),
      ),
    ),
    null,
  ),
  device_token: v.optional(
    v.nullable(
      v.pipe(
        token(),
        v.description("bearer token for endpoints; better as CLOCKBLOCK_DEVICE_TOKEN"),
        v.metadata({ secret: true }),
      ),
    ),
    null,
  ),
  process_name: v.optional(
    v.nullable(
      v.pipe(processNames, v.description("processes that count as games (default: Minecraft)")),
    ),
    null,
  ),
  poll_interval_sec: v.optional(
    v.pipe(
      whole(1, 3_600, { unit: "seconds" }),
      v.description("seconds between looks for the game"),
    ),
    5,
  ),
  sync_interval_sec: v.optional(
    v.pipe(whole(1, 86_400, { unit: "seconds" }), v.description("seconds between syncs")),
    300,
  ),
  api_host: v.optional(v.pipe(host(), v.description("address of the local API")), "127.0.0.1"),
  api_port: v.optional(
    v.pipe(whole(0, 65_535), v.description("port of the local API; 0 for any that is free")),
    3841,
  ),
  api_allowed_origins: v.optional(
    v.pipe(
      v.array(origin(), "expected a list of origins"),
      v.description("web pages of other origins that may call the local API"),
    ),
    [],
  ),
  db_path: v.optional(v.pipe(file(), v.description("the database")), "clockblock.db"),
  retention_days: v.optional(
    v.pipe(whole(1, 36_500, { unit: "days" }), v.description("days that heartbeats are kept")),
    30,
  ),
  retention_unsynced_days: v.optional(
    v.pipe(
      whole(1, 36_500, { unit: "days" }),
      v.description("days they are kept while they wait for the cloud"),
    ),
    365,
  ),
  timeout_sec: v.optional(
    v.pipe(
      whole(1, 600, { unit: "seconds" }),
      v.description("seconds to wait for the cloud's answer"),
    ),
    10,
  ),
  daily_allowance_min: v.optional(
    v.nullable(
      v.pipe(
        allowance,
        v.description("minutes of play a day, or by weekday (default: no limit)"),
      ),
    ),
    null,
  ),
  weekly_allowance_min: v.optional(
    v.nullable(
      v.pipe(
        minutes({ max: 10_080 }),
        v.description("minutes of play a week, Monday to Sunday (default: no limit)"),
      ),
    ),
    null,
  ),
  allowance_warn_min: v.optional(
    v.pipe(
      v.array(
        whole(0, 1440, { unit: "minutes" }),
        "expected a list of whole minutes from 0 to 1440",
      ),
      v.maxLength(20, "expected at most 20 thresholds"),
      v.description("minutes left at which an event is logged"),
    ),
    [15, 5, 0],
  ),
  desktop_notifications: v.optional(
    v.pipe(yesNo(), v.description("whether notify-send (Linux) shows these events on the desktop")),
    false,
  ),
  day_starts_at: v.optional(
    v.pipe(startOfDay(), v.description("when a day begins: an evening may go on past midnight")),
    "00:00",
  ),
  time_zone: v.optional(
    v.nullable(
      v.pipe(timeZone(), v.description("whose days these are (default: this computer's)")),
    ),
    null,
  ),
  log_level: v.optional(
    v.pipe(
      oneOf(["trace", "debug", "info", "warning", "error", "fatal"]),
      v.description("the least that is logged"),
    ),
    "info",
  ),
  supabase: v.optional(supabase, {}),
  events: v.optional(events, {}),
  attendance: v.optional(attendance, {}),
  records: v.optional(records, {}),
}, "expected an object");

/** The whole configuration, every key with a value; `null` where a thing is not configured. */
export type Config = v.InferOutput<typeof configSchema>;

/** With `exactOptionalPropertyTypes`, a field that is not there is not the same as one that is undefined. */
function withoutUndefined(matcher: v.InferOutput<typeof processMatcher>): ProcessMatcher {
  const fields = Object.entries(matcher).filter(([, value]) => value !== undefined);
  // The same fields, without those that the type does not have either.
  return Object.fromEntries(fields) as unknown as ProcessMatcher;
}
