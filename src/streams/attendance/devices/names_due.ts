/** When a device is asked for the names that it knows its people by: soon after it connects, then once a day. @module */
import type { Clock } from "../../../core/mod.ts";
import type { Device } from "./device.ts";

/** Time after a device has come online in which it sends what it has to send. */
const FIRST_MS = 2 * 60_000;
const INTERVAL_MS = 24 * 60 * 60_000;

/** Whether a device is to be asked now. It counts as asked whatever it answers. */
export function namesDue(
  { online, onlineAt, namesAskedMs }: Pick<Device, "online" | "onlineAt" | "namesAskedMs">,
  clock: Clock,
): boolean {
  if (!online || clock.monotonic() - onlineAt < FIRST_MS) return false;
  // A time in the future was taken from a wrong clock.
  return namesAskedMs === null || Math.abs(clock.now() - namesAskedMs) >= INTERVAL_MS;
}
