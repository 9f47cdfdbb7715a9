/** Play time over the wire: days, slots, heartbeats, and what the stream adds to `/status`. @module */
import * as v from "valibot";
import { limitedBy, weekView } from "./allowance.ts";

const instant = v.pipe(v.string(), v.isoTimestamp());
const date = v.pipe(v.string(), v.isoDate());
const minutes = v.pipe(v.number(), v.minValue(0));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const minutesOverdraft = v.pipe(
  minutes,
  v.description("minutes beyond allowance and grants; 0 without a limit"),
);
const allowanceMin = v.pipe(
  v.nullable(minutes),
  v.description("minutes that the day allows; null without a limit"),
);

export const heartbeat = v.object({
  id: v.string(),
  device_id: v.string(),
  timestamp_utc: instant,
  is_playing: v.boolean(),
  poll_interval_sec: v.pipe(v.number(), v.description("the seconds it stands for")),
  process_name: v.pipe(
    v.nullable(v.string()),
    v.description("the game's name in the process list; null while it does not run"),
  ),
});
export type Heartbeat = Readonly<v.InferOutput<typeof heartbeat>>;

export const storedHeartbeat = v.object({
  ...heartbeat.entries,
  synced_at: v.pipe(v.nullable(instant), v.description("when the cloud accepted it")),
});
export type StoredHeartbeat = Readonly<v.InferOutput<typeof storedHeartbeat>>;

export const dayView = v.object({
  device_id: v.string(),
  date: v.pipe(date, v.description("the day, as time_zone counts days")),
  date_utc: v.pipe(date, v.description("as date, for programs made for earlier versions")),
  time_zone: v.string(),
  minutes_used: minutes,
  minutes_overdraft: minutesOverdraft,
  allowance_min: allowanceMin,
  last_heartbeat_at: v.nullable(instant),
  updated_at: v.nullable(instant),
});
export type DayView = Readonly<v.InferOutput<typeof dayView>>;

export const slot = v.object({
  device_id: v.string(),
  slot_utc: v.pipe(instant, v.description("when the 15 minutes begin")),
  minutes_used: minutes,
});
export type Slot = Readonly<v.InferOutput<typeof slot>>;

export const recomputeResult = v.object({
  days: v.pipe(count, v.description("days made again")),
  changed: v.pipe(count, v.description("days whose numbers were different before")),
  incomplete: v.pipe(count, v.description("days left as they are")),
});
export type RecomputeResult = v.InferOutput<typeof recomputeResult>;

/** The person's day: in the agent's time zone, from `day_starts_at`. */
export const todayView = v.object({
  date,
  time_zone: v.string(),
  day_starts_at: v.string(),
  minutes_used: minutes,
  minutes_overdraft: minutesOverdraft,
  allowance_min: allowanceMin,
  granted_min: v.pipe(v.number(), v.description("sum of the day's grants; may be negative")),
  minutes_left: v.pipe(
    v.nullable(minutes),
    v.description("of the day's or the week's limit, whichever leaves less; null without a limit"),
  ),
  limited_by: limitedBy,
  week: weekView,
});
export type TodayView = Readonly<v.InferOutput<typeof todayView>>;

/** What play time adds to `/status`. */
export const playtimeStatus = v.object({
  is_playing: v.pipe(v.nullable(v.boolean()), v.description("null while it is not known")),
  playing_since: v.nullable(instant),
  process_name: v.nullable(v.string()),
  last_seen: v.pipe(v.nullable(instant), v.description("time of the newest heartbeat")),
  heartbeats_waiting: v.pipe(
    count,
    v.description("heartbeats kept in memory until the database takes writes"),
  ),
  first_day: v.pipe(v.nullable(date), v.description("the first UTC day that was recorded")),
  today: todayView,
});
export type PlaytimeStatus = Readonly<v.InferOutput<typeof playtimeStatus>>;
