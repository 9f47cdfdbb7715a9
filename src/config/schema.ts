/**
 * Every key of the configuration: its meaning, its limits and its default. Flags, variables,
 * `--help` and messages are made from this.
 * @module
 */
import * as v from "valibot";
import { attendance, events, records, supabase } from "./blocks.ts";
import {
  days,
  file,
  host,
  httpUrl,
  line,
  minutes,
  oneOf,
  origin,
  orNull,
  seconds,
  startOfDay,
  timeZone,
  token,
  trueOrFalse,
  whole,
  withDefault,
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
  endpoint_url: orNull(httpUrl(), "where play time goes; without it, to Supabase"),
  endpoint_gzip: withDefault(false, trueOrFalse(), "whether what goes to endpoints is compressed"),
  endpoint_fields: withDefault(
    [],
    v.array(oneOf(["minutes_left"]), "expected a list with minutes_left or without"),
    "what heartbeats to endpoint_url have beside their own fields",
  ),
  device_id: orNull(
    line("an id", { max: 200 }),
    "name of this device (default: made on first run)",
  ),
  device_token: orNull(token(), "bearer token for endpoints; better as CLOCKBLOCK_DEVICE_TOKEN", {
    secret: true,
  }),
  process_name: orNull(processNames, "processes that count as games (default: Minecraft)"),
  poll_interval_sec: withDefault(5, seconds({ max: 3_600 }), "seconds between looks for the game"),
  sync_interval_sec: withDefault(300, seconds(), "seconds between syncs"),
  api_host: withDefault("127.0.0.1", host(), "address of the local API"),
  api_port: withDefault(3841, whole(0, 65_535), "port of the local API; 0 for any that is free"),
  api_allowed_origins: withDefault(
    [],
    v.array(origin(), "expected a list of origins"),
    "web pages of other origins that may call the local API",
  ),
  db_path: withDefault("clockblock.db", file(), "the database"),
  retention_days: withDefault(30, days(), "days that heartbeats are kept"),
  retention_unsynced_days: withDefault(
    365,
    days(),
    "days they are kept while they wait for the cloud",
  ),
  timeout_sec: withDefault(10, seconds({ max: 600 }), "seconds to wait for the cloud's answer"),
  daily_allowance_min: orNull(
    allowance,
    "minutes of play a day, or by weekday (default: no limit)",
  ),
  weekly_allowance_min: orNull(
    minutes({ max: 10_080 }),
    "minutes of play a week, Monday to Sunday (default: no limit)",
  ),
  allowance_warn_min: withDefault(
    [15, 5, 0],
    v.pipe(
      v.array(
        whole(0, 1440, { unit: "minutes" }),
        "expected a list of whole minutes from 0 to 1440",
      ),
      v.maxLength(20, "expected at most 20 thresholds"),
    ),
    "minutes left at which an event is logged",
  ),
  desktop_notifications: withDefault(
    false,
    trueOrFalse(),
    "whether notify-send (Linux) shows these events on the desktop",
  ),
  day_starts_at: withDefault(
    "00:00",
    startOfDay(),
    "when a day begins: an evening may go on past midnight",
  ),
  time_zone: orNull(timeZone(), "whose days these are (default: this computer's)"),
  log_level: withDefault(
    "info",
    oneOf(["trace", "debug", "info", "warning", "error", "fatal"]),
    "the least that is logged",
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
