/** The allowance over the wire: what a day and a week allow, grants, what is left. @module */
import * as v from "valibot";
import { gameAllowance } from "./games.ts";

const instant = v.pipe(v.string(), v.isoTimestamp());
const date = v.pipe(v.string(), v.isoDate());
const minutes = v.pipe(v.number(), v.minValue(0));

/** More minutes for one day, or fewer. Never changes: what undoes it is a grant of the opposite. */
export const grant = v.object({
  id: v.string(),
  device_id: v.string(),
  date: v.pipe(date, v.description("the day it is for, as the device counts days")),
  extra_min: v.pipe(v.number(), v.description("negative: fewer minutes")),
  reason: v.nullable(v.string()),
  made_by: v.nullable(v.string()),
  undoes: v.pipe(v.nullable(v.string()), v.description("id of the grant that it undoes")),
  created_at: instant,
  updated_at: instant,
  synced_at: v.pipe(v.nullable(instant), v.description("when the cloud accepted it")),
});
export type Grant = Readonly<v.InferOutput<typeof grant>>;

const grantedMin = v.pipe(v.number(), v.description("sum of the grants; may be negative"));
const leftMin = v.pipe(v.nullable(minutes), v.description("null without a limit"));

export const weekView = v.object({
  from: v.pipe(date, v.description("Monday")),
  to: v.pipe(date, v.description("Sunday")),
  allowance_min: v.pipe(v.nullable(minutes), v.description("null without a weekly limit")),
  granted_min: grantedMin,
  used_min: minutes,
  left_min: leftMin,
});
export type WeekView = Readonly<v.InferOutput<typeof weekView>>;

/** Which limit leaves less. */
export const limitedBy = v.pipe(
  v.nullable(v.picklist(["day", "week"])),
  v.description("the limit that leaves less; null without one"),
);

export const allowanceView = v.object({
  date,
  time_zone: v.string(),
  day_starts_at: v.string(),
  allowance_min: v.pipe(
    v.nullable(minutes),
    v.description("minutes that the configuration allows on the day; null without a daily limit"),
  ),
  grants: v.pipe(v.array(grant), v.description("oldest first")),
  granted_min: grantedMin,
  used_min: minutes,
  left_min: v.pipe(
    leftMin,
    v.description("allowance, grants and play of the day or the week, whichever leaves less"),
  ),
  over_min: v.pipe(minutes, v.description("minutes beyond that limit")),
  week: weekView,
  limited_by: limitedBy,
  games: v.pipe(
    v.array(gameAllowance),
    v.description("games with an allowance of their own, then the others that were played"),
  ),
});
export type AllowanceView = Readonly<v.InferOutput<typeof allowanceView>>;
