/** Play by game over the wire. @module */
import * as v from "valibot";

const minutes = v.pipe(v.number(), v.minValue(0));

const label = v.pipe(
  v.string(),
  v.description("the game's name: the label in process_name, without one its process_name"),
);

/** The play of one game on one day, by the process that was found. */
export const gameDay = v.object({
  date: v.pipe(v.string(), v.isoDate()),
  label,
  process_name: v.string(),
  minutes_used: minutes,
});
export type GameDay = Readonly<v.InferOutput<typeof gameDay>>;

/** One game of a day, and what is left of an allowance of its own. */
export const gameAllowance = v.object({
  label,
  allowance_min: v.pipe(v.nullable(minutes), v.description("null without a limit of its own")),
  used_min: minutes,
  left_min: v.pipe(v.nullable(minutes), v.description("null without a limit of its own")),
});
export type GameAllowance = Readonly<v.InferOutput<typeof gameAllowance>>;
