/**
 * What every conversation with a device shares.
 * @module
 */
import type { Clock, Warnings } from "../../core/mod.ts";
import type { Devices } from "./devices.ts";
import type { Intake } from "./intake.ts";
import type { Turnstile } from "./limits.ts";
import type { Quarantine } from "./quarantine.ts";
import type { Zone } from "./time.ts";

export interface Context {
  devices: Devices;
  intake: Intake;
  quarantine: Quarantine;
  turnstile: Turnstile;
  clock: Clock;
  warnings: Warnings;
  /** Whether this machine's clock is good enough to set the devices' clocks by. */
  clockTrusted: () => boolean;
  /** How often connected devices are asked for what they failed to send, in milliseconds; 0 for never. */
  pullIntervalMs: number;
}

/** The time a device is told, which it takes for its own; undefined while this machine's clock is in doubt. */
export function cloudTime({ clock, clockTrusted }: Context, zone: Zone): string | undefined {
  return clockTrusted() ? zone.wallAt(clock.now()) : undefined;
}
