/** The blocks of the configuration: the cloud, and the streams that need more than a key or two. @module */
import * as v from "valibot";
import { WEEKDAYS } from "../core/mod.ts";
import {
  address,
  days,
  host,
  httpUrl,
  line,
  oneOf,
  orNull,
  seconds,
  serialNumber,
  timeOfDay,
  timeZone,
  token,
  trueOrFalse,
  urlPath,
  whole,
  withDefault,
  word,
} from "./checks.ts";

export const supabase = v.object({
  url: orNull(httpUrl(), "address of the Supabase project"),
  key: orNull(token(), "its publishable (anon) key", { secret: true }),
  email: orNull(line("an e-mail address"), "who signs in there"),
  password: orNull(
    v.pipe(v.string("expected a password"), v.nonEmpty("expected a password")),
    "password of that account; better as CLOCKBLOCK_SUPABASE__PASSWORD",
    { secret: true },
  ),
  realtime: withDefault(true, trueOrFalse(), "whether Supabase announces changes at once"),
}, "expected an object such as { url, key, email }");

const activeHours = v.object({
  days: withDefault(
    ["mon", "tue", "wed", "thu", "fri"],
    v.array(oneOf(WEEKDAYS), `expected a list of weekdays out of ${WEEKDAYS.join(", ")}`),
    "weekdays with active hours",
  ),
  from: withDefault("09:30", timeOfDay(), "when active hours begin"),
  to: withDefault("16:00", timeOfDay(), "when active hours end"),
  time_zone: orNull(timeZone(), "their time zone (default: time_zone)"),
}, "expected an object such as { days, from, to, time_zone }");

const flush = v.object({
  active_sec: withDefault(15, seconds(), "seconds between flushes in active hours"),
  offhours_sec: withDefault(120, seconds(), "seconds between flushes otherwise"),
  batch_size: withDefault(500, whole(1, 5_000), "most events in a flush"),
  critical_immediate: withDefault(
    true,
    trueOrFalse(),
    "whether critical events are flushed at once",
  ),
  active_hours: v.optional(activeHours, {}),
}, "expected an object such as { active_sec, offhours_sec, batch_size }");

const words = "expected a list of words";
export const events = v.object({
  modes: withDefault(
    ["paper", "live"],
    v.pipe(v.array(word("a mode"), words), v.minLength(1, "expected at least one mode")),
    "modes that events may have",
  ),
  endpoint_url: orNull(httpUrl(), "where events go instead of Supabase"),
  health_url: orNull(httpUrl(), "where that endpoint takes the health row of each flush"),
  table: withDefault("zoe_events", word("a table"), "table of the events in the cloud"),
  health_table: withDefault("zoe_health", word("a table"), "table of the health row in the cloud"),
  critical_subtypes: withDefault(
    [
      "BUY_FILLED",
      "SELL_FILLED",
      "PNL_REALIZED",
      "TRADING_HALTED",
      "KILL_SWITCH",
      "RECONCILIATION_MISMATCH",
    ],
    v.array(line("a subtype"), words),
    "subtypes that are flushed at once",
  ),
  retention_days: withDefault(30, days(), "days that flushed events are kept"),
  flush: v.optional(flush, {}),
}, "expected an object such as { modes, flush }");

const attendanceDevice = v.strictObject(
  {
    sn: serialNumber(),
    name: line("a name"),
    role: v.optional(oneOf(["entrance", "exit", "both"])),
    address: v.optional(address()),
    time_zone: v.optional(timeZone()),
    protocol: v.optional(oneOf(["aiface", "iclock"])),
    nack_status: v.optional(v.picklist([200, 503], "expected 200 or 503")),
  },
  'expected a device such as { "sn": "AYXX00000001", "name": "Front door", "role"?, "address"?, "time_zone"?, "protocol"? }',
);
export const attendance = v.object({
  enabled: withDefault(false, trueOrFalse(), "whether attendance devices are listened to"),
  host: withDefault("0.0.0.0", host(), "address the devices connect to"),
  port: withDefault(5001, whole(0, 65_535), "port the devices connect to"),
  time_zone: orNull(timeZone(), "zone of the devices' clocks"),
  unknown: withDefault(
    "pending",
    oneOf(["pending", "approve", "refuse"]),
    "what happens with a device that is not listed",
  ),
  endpoint_url: orNull(httpUrl(), "where punches go instead of Supabase"),
  path: withDefault(
    "/api/devices/sync-batch",
    urlPath(),
    "path that endpoint takes batches at, unless it ends in it",
  ),
  device_token: orNull(token(), "bearer token for that endpoint (default: device_token)", {
    secret: true,
  }),
  pull_interval_min: withDefault(
    15,
    whole(0, 1_440, { unit: "minutes" }),
    "minutes between asking devices for punches they may have kept; 0 for never",
  ),
  silent_after_min: withDefault(
    60,
    whole(0, 10_080, { unit: "minutes" }),
    "minutes without a word from a device that usually speaks at that hour; 0: any",
  ),
  max_stay_hours: withDefault(
    16,
    whole(1, 72, { unit: "hours" }),
    "hours after which somebody who did not punch out counts as gone",
  ),
  retention_days: withDefault(365, days(), "days that punches are kept"),
  devices: withDefault(
    [],
    v.array(attendanceDevice, "expected a list of devices"),
    "known devices",
  ),
}, "expected an object such as { enabled, port, time_zone, devices }");

const recordsTable = v.union([
  word("a table"),
  v.strictObject({
    name: word("a table"),
    // Read by earlier versions; the order of the list decides.
    parent: v.optional(v.nullable(word("a table"))),
    key: v.optional(word("a column"), "id"),
  }),
], 'expected a table\'s name or { "name", "key"? }');
export const records = v.object({
  system_id: orNull(line("an id"), "whose records these are (default: device_id)"),
  tables: withDefault(
    ["projects", "tasks", "results"],
    v.pipe(
      v.array(recordsTable, "expected a list of tables"),
      v.transform((tables) =>
        tables.map((table) =>
          typeof table === "string"
            ? { name: table, key: "id" }
            : { name: table.name, key: table.key }
        )
      ),
    ),
    "tables kept on both sides, parents before children; key: column of the id",
  ),
  sync_interval_sec: withDefault(10, seconds(), "seconds between syncs of records"),
}, "expected an object such as { system_id, tables }");
