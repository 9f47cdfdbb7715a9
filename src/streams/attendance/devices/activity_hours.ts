/**
 * When a device is expected to be active. It may be switched off at night and on Sundays, so that is in an hour in which it
 * was active a week before; in its first week, in one in which it was active the day before.
 *
 *     active    Mon ▁▁▁▁▁▁▁▁▁███████████▁▁▁▁     hours of last week
 *     expected  Mon          ↑─────────↑         from 9 to 20 o'clock
 *     silent    Mon             ✕────►!          silent for `silent_after_min` of them
 * @module
 */

const HOUR_MS = 3_600_000;
const DAY = 24;
const WEEK = 168;
/** Bits kept: this hour and the week before it. */
const KEPT = (1n << BigInt(WEEK + 1)) - 1n;

/** The hours of the last week in which a device was active. */
export class ActivityHours {
  /** The last of them, in hours since 1970. */
  #hour = 0;
  /** Bit n: active n hours before that. */
  #bits = 0n;

  /** @param text what `toString` gave */
  constructor(text: string | null = null) {
    const [, hour, bits] = /^(\d{1,9}):([\da-f]{1,43})$/.exec(text ?? "") ?? [];
    if (hour === undefined) return;
    this.#hour = Number(hour);
    this.#bits = BigInt(`0x${bits}`) & KEPT;
  }

  /** The device was active at this time. */
  record(ms: number): void {
    const hour = Math.floor(ms / HOUR_MS);
    const passed = hour - this.#hour;
    if (passed === 0) return;
    // A clock that was put back by an hour or a day; by more, the recorded hours are unknown.
    if (passed < 0 && passed >= -WEEK) return;
    this.#bits = (passed > 0 && passed <= WEEK ? (this.#bits << BigInt(passed)) & KEPT : 0n) | 1n;
    this.#hour = hour;
  }

  /** Whether it is expected to be active in this hour. */
  expects(hour: number): boolean {
    const beforeThat = this.#bits >> BigInt(Math.max(0, this.#hour - hour + WEEK - DAY));
    const firstWeek = hour > this.#hour + WEEK || beforeThat === 0n;
    return this.#activeIn(hour - (firstWeek ? DAY : WEEK));
  }

  /** `495234:1ff`; empty when it was never active. */
  toString(): string {
    return this.#bits === 0n ? "" : `${this.#hour}:${this.#bits.toString(16)}`;
  }

  #activeIn(hour: number): boolean {
    const age = this.#hour - hour;
    return age >= 0 && ((this.#bits >> BigInt(age)) & 1n) === 1n;
  }
}

/** Since when a device is expected to be active and is not, in milliseconds; undefined while it is not expected. */
export function expectedSince(
  hours: ActivityHours,
  { nowMs, lastSeenMs }: { nowMs: number; lastSeenMs: number },
): number | undefined {
  const now = Math.floor(nowMs / HOUR_MS);
  if (!hours.expects(now)) return undefined;
  let from = now;
  while (now - from < WEEK && from * HOUR_MS > lastSeenMs && hours.expects(from - 1)) from--;
  return Math.max(from * HOUR_MS, lastSeenMs);
}
