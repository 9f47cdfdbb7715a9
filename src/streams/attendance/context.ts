/**
 * What every conversation with a device shares.
 * @module
 */
import type { Clock, LogThrottle, Warnings } from "../../core/mod.ts";
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
  /** For lines that any host on the network can cause. */
  logThrottle: LogThrottle;
  /** Whether this machine's clock agrees with those it was compared with. */
  clockTrusted: () => boolean;
  /** How often connected devices are asked for what they failed to send, in milliseconds; 0 for never. */
  pullIntervalMs: number;
}

/** No device was ever given the time by this version before. */
const SANE_FROM = Date.parse("2024-01-01T00:00:00Z");

/** Whether devices may be told the time: they take it for their own. */
export function maySetClocks({ clock, clockTrusted }: Context): boolean {
  return clock.now() > SANE_FROM && clockTrusted();
}

/** The time a device is told; undefined while this machine's clock is in doubt. */
export function cloudTime(context: Context, zone: Zone): string | undefined {
  return maySetClocks(context) ? zone.wallAt(context.clock.now()) : undefined;
}
