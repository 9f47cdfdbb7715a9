/** What `GET /status` answers: each stream's part beside what is true of the agent as a whole. @module */
import * as v from "valibot";
import { attendanceStatus } from "./attendance.ts";
import { configStatus } from "./config.ts";
import { eventsStatus } from "./events.ts";
import { playtimeStatus } from "./playtime.ts";
import { recordsStatus } from "./records.ts";
import { syncStatus } from "./sync.ts";

const instant = v.pipe(v.string(), v.metadata({ format: "date-time" }));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Something that a person should know about and may have to repair, until it is over. */
export const warning = v.object({
  code: v.pipe(v.string(), v.description("stable name: `processes`, `sync.playtime`")),
  message: v.pipe(v.string(), v.description("what is wrong and what to do")),
  since: instant,
});
export type Warning = Readonly<v.InferOutput<typeof warning>>;

const agent = v.object({
  online: v.pipe(
    v.nullable(v.boolean()),
    v.description("whether the cloud can be reached; null when none is configured"),
  ),
  device_id: v.string(),
  system_id: v.pipe(v.string(), v.description("what the cloud calls this machine's rows")),
  version: v.string(),
  flavour: v.string(),
  started_at: instant,
  uptime_sec: count,
  sync: v.nullable(syncStatus),
  warnings: v.array(warning),
  config: v.optional(configStatus),
  database: v.object({ bytes: count, wal_bytes: count }),
  event_loop: v.object({
    delay_max_ms: v.pipe(v.number(), v.description("the latest timer of the last minute or two")),
  }),
});

const streams = v.object({
  ...playtimeStatus.entries,
  ...attendanceStatus.entries,
  events: eventsStatus,
  records: recordsStatus,
});

/** A stream whose status fails is left out; a warning names it. */
export const status = v.looseObject({ ...v.partial(streams).entries, ...agent.entries });
export type Status = Readonly<v.InferOutput<typeof streams> & v.InferOutput<typeof agent>>;
