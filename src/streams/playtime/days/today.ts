/** Sums of the current day and week, kept in memory: `/status` is read often. @module */
import type { Heartbeat, TodayView } from "../../../contract/playtime.ts";
import { type Clock, msOf } from "../../../core/mod.ts";
import { atLeastNone, balanceOf, type DaySums, readSums } from "../allowance/balance.ts";
import { type AllowanceRules, personDay } from "../allowance/rules.ts";
import { creditMs } from "../heartbeats/heartbeats.ts";
import type { Tables } from "../tables.ts";
import { overdraft } from "./allowance.ts";
import type { Span } from "./slots.ts";

export interface TodayOptions {
  tables: Tables;
  clock: Clock;
  deviceId: string;
  rules: AllowanceRules;
}

export class Today {
  readonly #options: TodayOptions;
  #sums: DaySums | undefined;

  constructor(options: TodayOptions) {
    this.#options = options;
  }

  /** A heartbeat was stored. */
  add(heartbeat: Heartbeat): void {
    if (!this.#sums) return;
    const at = msOf(heartbeat.timestamp_utc);
    for (const sums of [this.#sums.day, this.#sums.week]) {
      if (isWithin(sums.span, at)) sums.usedMs += creditMs(heartbeat);
    }
  }

  /** Slots, grants or rules were changed. */
  forget(): void {
    this.#sums = undefined;
  }

  view(): TodayView {
    const { clock, rules, tables } = this.#options;
    const now = clock.now();
    if (!this.#sums || !isWithin(this.#sums.day.span, now)) {
      this.#sums = readSums(tables, personDay(now, rules), this.#options);
    }
    const { date, day: { usedMs, grantedMs, span } } = this.#sums;
    const { allowance_min, granted_min, used_min, balance_min, limited_by, week } = balanceOf(
      this.#sums,
      rules,
    );
    return {
      date,
      time_zone: rules.timeZone,
      day_starts_at: rules.startsAt,
      minutes_used: used_min,
      minutes_overdraft: overdraft(Math.min(usedMs, span.to - span.from), {
        allowanceMin: allowance_min,
        grantedMs,
      }),
      allowance_min,
      granted_min,
      minutes_left: atLeastNone(balance_min),
      limited_by,
      week,
    };
  }
}

function isWithin({ from, to }: Span, ms: number): boolean {
  return ms >= from && ms < to;
}
