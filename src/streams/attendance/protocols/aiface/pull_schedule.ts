/**
 * When a connected device is asked for punches, and of which days: soon after it registers, for its absence; then every
 * `pull_interval_min`, for yesterday and today.
 * @module
 */
import { addDays, dayAt } from "../../../../core/mod.ts";
import type { Device } from "../../devices/device.ts";
import type { ProtocolContext } from "../context.ts";
import type { Fields } from "./decode.ts";
import { Puller, type PullWindow } from "./pull.ts";

/** Time after a registration in which the device sends what it wants to send first. */
const FIRST_PULL_MS = 3_000;
/** A resync asks for this many days; devices hold about as much. */
const RESYNC_DAYS = 92;
/** Days of an absence that are asked for. */
const MAX_PULL_DAYS = 31;
const DAY_MS = 86_400_000;

export class PullSchedule {
  readonly #context: ProtocolContext;
  readonly puller: Puller;
  #nextAt = Infinity;
  /** First day of the next pull; yesterday when not set. */
  #from: string | undefined;

  constructor(send: (command: Fields) => void, context: ProtocolContext) {
    this.#context = context;
    this.puller = new Puller(send, context);
  }

  /** The first pull asks for what the device may have failed to send since it was last seen. */
  start(device: Device, lastSeenMs: number | null): void {
    const { clock, pullIntervalMs } = this.#context;
    if (pullIntervalMs === 0 && !device.resync) return;
    this.#nextAt = clock.monotonic() + FIRST_PULL_MS;
    const longAgo = clock.now() - MAX_PULL_DAYS * DAY_MS;
    // A time in the future was taken from a wrong clock.
    const isFuture = lastSeenMs !== null && lastSeenMs > clock.now() + DAY_MS;
    const seen = isFuture ? longAgo : lastSeenMs;
    const missedFrom = Math.max(Math.min(seen ?? Infinity, clock.now()), longAgo) - DAY_MS;
    this.#from = dayAt(missedFrom, device.zone.name);
  }

  resync(device: Device): void {
    const today = this.#today(device);
    const done = () => {
      this.#context.devices.resynced(device);
      this.#context.commands.settle(device.sn, "read_log", "sent its punches again");
    };
    this.#ask({ from: addDays(today, -RESYNC_DAYS), to: today, done });
  }

  /** Asks for the days of a message that had fewer records than announced. */
  askAgain(device: Device, days: readonly string[]): void {
    const today = this.#today(device);
    this.#ask({ from: days[0] ?? today, to: days.at(-1) ?? today });
  }

  /** Starts a pull when it is due; called every second. */
  begin(device: Device): void {
    const { clock, pullIntervalMs } = this.#context;
    const now = clock.monotonic();
    if (now < this.#nextAt) return;
    this.#nextAt = pullIntervalMs > 0 ? now + pullIntervalMs : Infinity;
    const today = this.#today(device);
    if (device.resync) this.resync(device);
    else this.#ask({ from: this.#from ?? addDays(today, -1), to: today });
    this.#from = undefined;
  }

  /** Asks for these days, both included. */
  #ask({ from, to, ...rest }: PullWindow): void {
    // Firmware differs on whether the last day is included: the day after it does no harm.
    this.puller.ask({ from, to: addDays(to, 1), ...rest });
  }

  #today({ zone }: Device): string {
    return dayAt(this.#context.clock.now(), zone.name);
  }
}
