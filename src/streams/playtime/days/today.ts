/** Today in the configured time zone, kept in memory: `/status` is read often. @module */
import type { Heartbeat, TodayView } from "../../../contract/playtime.ts";
import { type Clock, type Day, dayAt, dayBounds, msOf } from "../../../core/mod.ts";
import { type Allowance, allowanceOn, overdraft } from "./allowance.ts";
import { creditMs } from "../heartbeats/heartbeats.ts";
import { minutesOfMs } from "./minutes.ts";
import type { Slots, Span } from "./slots.ts";

export interface TodayOptions {
  slots: Slots;
  clock: Clock;
  deviceId: string;
  timeZone: string;
  allowance: Allowance;
}

export class Today {
  readonly #options: TodayOptions;
  #day: { date: Day; span: Span; usedMs: number } | undefined;

  constructor(options: TodayOptions) {
    this.#options = options;
  }

  /** A heartbeat was stored. */
  add(heartbeat: Heartbeat): void {
    const day = this.#day;
    if (day && isWithin(day.span, msOf(heartbeat.timestamp_utc))) day.usedMs += creditMs(heartbeat);
  }

  /** The slots were changed by other means than `add`. */
  forget(): void {
    this.#day = undefined;
  }

  view(): TodayView {
    const { clock, allowance } = this.#options;
    const now = clock.now();
    if (!this.#day || !isWithin(this.#day.span, now)) this.#day = this.#read(now);
    const { date, span, usedMs } = this.#day;
    const minutesUsed = minutesOfMs(Math.min(usedMs, span.to - span.from));
    const allowanceMin = allowanceOn(allowance, date);
    return {
      date,
      time_zone: this.#options.timeZone,
      minutes_used: minutesUsed,
      minutes_overdraft: overdraft(minutesUsed, allowanceMin),
      allowance_min: allowanceMin,
      minutes_left: allowanceMin === null ? null : Math.max(0, allowanceMin - minutesUsed),
    };
  }

  #read(now: number): { date: Day; span: Span; usedMs: number } {
    const { slots, deviceId, timeZone } = this.#options;
    const date = dayAt(now, timeZone);
    const span = dayBounds(date, timeZone);
    return { date, span, usedMs: slots.usedMs(deviceId, span) };
  }
}

function isWithin({ from, to }: Span, ms: number): boolean {
  return ms >= from && ms < to;
}
