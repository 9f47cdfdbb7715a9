/** Play time in `/metrics`. @module */
import type { PlaytimeStatus } from "../../contract/playtime.ts";
import type { Gauge } from "../../core/mod.ts";

export function gaugesOf(
  { is_playing, today }: Pick<PlaytimeStatus, "is_playing" | "today">,
): Gauge[] {
  const { minutes_used, allowance_min, granted_min } = today;
  return [
    // Without a value while unknown: a graph shows the gap.
    ...is_playing === null ? [] : [{
      name: "playing",
      help: "Whether the game runs: 1 or 0.",
      value: Number(is_playing),
    }],
    {
      name: "played_seconds_today",
      help: "Play of the person's day.",
      value: Math.round(minutes_used * 60),
    },
    ...allowance_min === null ? [] : [{
      name: "allowance_seconds_today",
      help: "What may be played today, grants included.",
      value: Math.max(0, Math.round((allowance_min + granted_min) * 60)),
    }],
  ];
}
