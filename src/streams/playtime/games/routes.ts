/** Play by game in the local API. @module */
import * as v from "valibot";
import { gameDay } from "../../../contract/games.ts";
import {
  addDays,
  type Clock,
  dayAt,
  dayText,
  type Id,
  type Route,
  route,
  zoneText,
} from "../../../core/mod.ts";
import type { AllowanceRules } from "../allowance/rules.ts";
import { gameDays } from "./days.ts";
import type { GameSlots } from "./game_slots.ts";

export interface GameRoutesOptions {
  games: GameSlots;
  clock: Clock;
  deviceId: Id;
  rules: Pick<AllowanceRules, "startsAt">;
  /** Refuses a range that is too long or ends before it begins. */
  checkRange: (range: { from: string; to: string }) => void;
}

export function gameRoutes(
  { games, clock, deviceId, rules, checkRange }: GameRoutesOptions,
): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/games",
      summary: "The minutes of each game on each day; games that ran at once each have that time",
      tag: "playtime",
      query: v.strictObject({
        from: v.optional(v.pipe(dayText(), v.description("default: 29 days before to"))),
        to: v.optional(v.pipe(dayText(), v.description("the last day; default: today"))),
        tz: v.optional(v.pipe(zoneText(), v.description("whose days these are; default: UTC"))),
      }),
      answer: v.array(gameDay),
      handle: ({ query }) => {
        // UTC days begin at midnight, unless a time zone is asked for.
        const { tz: timeZone = "UTC" } = query;
        const startsAt = query.tz === undefined ? "00:00" : rules.startsAt;
        const to = query.to ?? dayAt(clock.now(), timeZone, startsAt);
        const from = query.from ?? addDays(to, -29);
        checkRange({ from, to });
        return gameDays(games, { deviceId, from, to, timeZone, startsAt });
      },
    }),
  ];
}
