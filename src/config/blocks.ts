/**
 * The blocks of the configuration: the cloud, and the streams that need more than a key or two.
 * @module
 */
import * as v from "valibot";
import { WEEKDAYS } from "../core/mod.ts";
import {
  address,
  host,
  httpUrl,
  line,
  oneOf,
  serialNumber,
  timeOfDay,
  timeZone,
  token,
  urlPath,
  whole,
  word,
  yesNo,
} from "./checks.ts";

export const supabase = v.object({
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
    v.pipe(yesNo(), v.description("whether Supabase announces changes at once")),
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
export const events = v.object({
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
  health_url: v.optional(
    v.nullable(
      v.pipe(httpUrl(), v.description("where that endpoint takes the health row of each flush")),
    ),
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
  'expected a device such as { "sn": "AYXX00000001", "name": "Front door", "role"?, "address"?, "time_zone"?, "protocol"? }';
export const attendance = v.object({
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
  path: v.optional(
    v.pipe(urlPath(), v.description("path that endpoint takes batches at, unless it ends in it")),
    "/api/devices/sync-batch",
  ),
  device_token: v.optional(
    v.nullable(
      v.pipe(
        token(),
        v.description("bearer token for that endpoint (default: device_token)"),
        v.metadata({ secret: true }),
      ),
    ),
    null,
  ),
  pull_interval_min: v.optional(
    v.pipe(
      whole(0, 1_440, { unit: "minutes" }),
      v.description("minutes between asking devices for punches they may have kept; 0 for never"),
    ),
    15,
  ),
  silent_after_min: v.optional(
    v.pipe(
      whole(0, 10_080, { unit: "minutes" }),
      v.description(
        "minutes without a word from a device that usually speaks at that hour; 0: any",
      ),
    ),
    60,
  ),
  max_stay_hours: v.optional(
    v.pipe(
      whole(1, 72, { unit: "hours" }),
      v.description("hours after which somebody who did not punch out counts as gone"),
    ),
    16,
  ),
  retention_days: v.optional(
    v.pipe(whole(1, 36_500, { unit: "days" }), v.description("days that punches are kept")),
    365,
  ),
  devices: v.optional(
    v.pipe(
      v.array(
        v.strictObject({
          sn: serialNumber(),
          name: line("a name"),
          role: v.optional(oneOf(["entrance", "exit", "both"])),
          address: v.optional(address()),
          time_zone: v.optional(timeZone()),
          protocol: v.optional(oneOf(["aiface", "iclock"])),
          nack_status: v.optional(v.picklist([200, 503], "expected 200 or 503")),
        }, attendanceDevice),
        "expected a list of devices",
      ),
      v.description("known devices"),
    ),
    [],
  ),
}, "expected an object such as { enabled, port, time_zone, devices }");

const recordsTable = 'expected a table\'s name or { "name", "key"? }';
export const records = v.object({
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
            // Read by earlier versions; the order of the list decides.
            parent: v.optional(v.nullable(word("a table"))),
            key: v.optional(word("a column"), "id"),
          }),
        ], recordsTable),
        "expected a list of tables",
      ),
      v.transform((tables) =>
        tables.map((table) =>
          typeof table === "string"
            ? { name: table, key: "id" }
            : { name: table.name, key: table.key }
        )
      ),
      v.description(
        "tables kept on both sides, parents before children; key: column of the id",
      ),
    ),
    ["projects", "tasks", "results"],
  ),
  sync_interval_sec: v.optional(
    v.pipe(
      whole(1, 86_400, { unit: "seconds" }),
      v.description("seconds between syncs of records"),
    ),
    10,
  ),
}, "expected an object such as { system_id, tables }");
