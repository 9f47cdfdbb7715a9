/**
 * Every key of the configuration: what it means, what it may be, and what it is when nobody says. Flags, variables,
 * `--help` and messages are made from this.
 * @module
 */
import * as v from "valibot";
import {
  file,
  host,
  httpUrl,
  line,
  minutes,
  oneOf,
  origin,
  timeOfDay,
  timeZone,
  token,
  WEEKDAYS,
  whole,
  word,
  yesNo,
} from "./checks.ts";

/** What a process must be like to count as the game; `*` stands for anything. */
export interface ProcessMatcher {
  image: string;
  window_title?: string;
  command?: string;
}

/** Minutes a day: the same every day, or by weekday. */
export type Allowance = v.InferOutput<typeof allowance>;

const image = line('a process name such as "Minecraft.exe"');
const processName =
  'expected a process name, { "image", "window_title"?, "command"? }, or a list of these';
const processMatcher = v.strictObject({
  image,
  window_title: v.optional(line("a window title, * for anything")),
  command: v.optional(line("a command line, * for anything")),
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

/**
 * Minecraft as it shows in a process list: Java Edition by its window or, where there are no windows, by its command
 * line (a Java program of another kind is not the game), Bedrock, and what older versions were called.
 */
const MINECRAFT = [
  { image: "javaw.exe", window_title: "Minecraft*" },
  { image: "Minecraft.Windows.exe" },
  { image: "Minecraft.exe" },
  { image: "java", command: "*net.minecraft.client*" },
  { image: "java", command: "*.minecraft*" },
];

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

const supabase = v.object({
  url: v.optional(
    v.nullable(v.pipe(httpUrl(), v.description("address of the Supabase project"))),
    null,
  ),
  key: v.optional(
    v.nullable(
      v.pipe(token(), v.description("its publishable (anon) key"), v.metadata({ secret: true })),
    ),
    null,
  ),
  email: v.optional(
    v.nullable(v.pipe(line("an e-mail address"), v.description("who signs in there"))),
    null,
  ),
  password: v.optional(
    v.nullable(
      v.pipe(
        v.pipe(v.string("expected a password"), v.nonEmpty("expected a password")),
        v.description("password of that account; better as CLOCKBLOCK_SUPABASE__PASSWORD"),
        v.metadata({ secret: true }),
      ),
    ),
    null,
  ),
  realtime: v.optional(
    v.pipe(yesNo(), v.description("whether Supabase tells of changes at once")),
    true,
  ),
}, "expected an object such as { url, key, email }");

const activeHours = v.object({
  days: v.optional(
    v.pipe(
      v.array(oneOf(WEEKDAYS), `expected a list of weekdays out of ${WEEKDAYS.join(", ")}`),
      v.description("weekdays with active hours"),
    ),
    ["mon", "tue", "wed", "thu", "fri"],
  ),
  from: v.optional(v.pipe(timeOfDay(), v.description("when active hours begin")), "09:30"),
  to: v.optional(v.pipe(timeOfDay(), v.description("when active hours end")), "16:00"),
  time_zone: v.optional(
    v.nullable(v.pipe(timeZone(), v.description("their time zone (default: time_zone)"))),
    null,
  ),
}, "expected an object such as { days, from, to, time_zone }");

const flush = v.object({
  active_sec: v.optional(
    v.pipe(
      whole(1, 86_400, { unit: "seconds" }),
      v.description("seconds between flushes in active hours"),
    ),
    15,
  ),
  offhours_sec: v.optional(
    v.pipe(
      whole(1, 86_400, { unit: "seconds" }),
      v.description("seconds between flushes otherwise"),
    ),
    120,
  ),
  batch_size: v.optional(v.pipe(whole(1, 5_000), v.description("most events in a flush")), 500),
  critical_immediate: v.optional(
    v.pipe(yesNo(), v.description("whether critical events are flushed at once")),
    true,
  ),
  active_hours: v.optional(activeHours, {}),
}, "expected an object such as { active_sec, offhours_sec, batch_size }");

const words = "expected a list of words";
const events = v.object({
  modes: v.optional(
    v.pipe(
      v.array(word("a mode"), words),
      v.minLength(1, "expected at least one mode"),
      v.description("modes that events may have"),
    ),
    ["paper", "live"],
  ),
  endpoint_url: v.optional(
    v.nullable(v.pipe(httpUrl(), v.description("where events go instead of Supabase"))),
    null,
  ),
  table: v.optional(
    v.pipe(word("a table"), v.description("table of the events in the cloud")),
    "zoe_events",
  ),
  health_table: v.optional(
    v.pipe(word("a table"), v.description("table of the health row in the cloud")),
    "zoe_health",
  ),
  critical_subtypes: v.optional(
    v.pipe(
      v.array(line("a subtype"), words),
      v.description("subtypes that are flushed at once"),
    ),
    [
      "BUY_FILLED",
      "SELL_FILLED",
      "PNL_REALIZED",
      "TRADING_HALTED",
      "KILL_SWITCH",
      "RECONCILIATION_MISMATCH",
    ],
  ),
  retention_days: v.optional(
    v.pipe(whole(1, 36_500, { unit: "days" }), v.description("days that flushed events are kept")),
    30,
  ),
  flush: v.optional(flush, {}),
}, "expected an object such as { modes, flush }");

const attendanceDevice =
  'expected a device such as { "sn": "AYXX00000001", "name": "Front door", "time_zone"?, "protocol"? }';
const attendance = v.object({
  enabled: v.optional(
    v.pipe(yesNo(), v.description("whether attendance devices are listened to")),
    false,
  ),
  host: v.optional(v.pipe(host(), v.description("address the devices connect to")), "0.0.0.0"),
  port: v.optional(v.pipe(whole(0, 65_535), v.description("port the devices connect to")), 5001),
  time_zone: v.optional(
    v.nullable(v.pipe(timeZone(), v.description("zone of the devices' clocks"))),
    null,
  ),
  unknown: v.optional(
    v.pipe(
      oneOf(["pending", "approve", "refuse"]),
      v.description("what happens with a device that is not listed"),
    ),
    "pending",
  ),
  endpoint_url: v.optional(
    v.nullable(v.pipe(httpUrl(), v.description("where punches go instead of Supabase"))),
    null,
  ),
  pull_interval_min: v.optional(
    v.pipe(
      whole(0, 1_440, { unit: "minutes" }),
      v.description("minutes between asking devices for punches they may have kept; 0 for never"),
    ),
    15,
  ),
  retention_days: v.optional(
    v.pipe(whole(1, 36_500, { unit: "days" }), v.description("days that punches are kept")),
    365,
  ),
  devices: v.optional(
    v.pipe(
      v.array(
        v.strictObject({
          sn: line("a serial number", { max: 64 }),
          name: line("a name"),
          time_zone: v.optional(timeZone()),
          protocol: v.optional(oneOf(["aiface", "iclock"])),
        }, attendanceDevice),
        "expected a list of devices",
      ),
      v.description("known devices"),
    ),
    [],
  ),
}, "expected an object such as { enabled, port, time_zone, devices }");

const recordsTable = 'expected a table\'s name or { "name", "parent"? }';
const records = v.object({
  system_id: v.optional(
    v.nullable(
      v.pipe(line("an id"), v.description("whose records these are (default: device_id)")),
    ),
    null,
  ),
  tables: v.optional(
    v.pipe(
      v.array(
        v.union([
          word("a table"),
          v.strictObject({
            name: word("a table"),
            parent: v.optional(v.nullable(word("a table")), null),
          }),
        ], recordsTable),
        "expected a list of tables",
      ),
      v.transform((tables) =>
        tables.map((table) => typeof table === "string" ? { name: table, parent: null } : table)
      ),
      v.description("tables that are kept on both sides, parents before children"),
    ),
    [
      { name: "projects" },
      { name: "tasks", parent: "projects" },
      { name: "results", parent: "tasks" },
    ],
  ),
  sync_interval_sec: v.optional(
    v.pipe(
      whole(1, 86_400, { unit: "seconds" }),
      v.description("seconds between syncs of records"),
    ),
    10,
  ),
}, "expected an object such as { system_id, tables }");

export const configSchema = v.object({
  endpoint_url: v.optional(
    v.nullable(v.pipe(httpUrl(), v.description("where play time goes; without it, to Supabase"))),
    null,
  ),
  endpoint_gzip: v.optional(
    v.pipe(yesNo(), v.description("whether what goes to endpoints is compressed")),
    false,
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
    v.pipe(processNames, v.description("processes that count as the game (default: Minecraft)")),
    MINECRAFT,
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
    v.pipe(allowance, v.description("minutes of play a day, or by weekday")),
    0,
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
  const { image, window_title, command } = matcher;
  return {
    image,
    ...(window_title === undefined ? {} : { window_title }),
    ...(command === undefined ? {} : { command }),
  };
}
