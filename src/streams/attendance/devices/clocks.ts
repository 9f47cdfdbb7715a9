/**
 * The clocks of devices when summer time begins or ends, or their zone was corrected. A connected device is
 * disconnected, and sets its clock when it registers again; an iclock device reads the offset only when it starts,
 * so a warning asks for a restart.
 * @module
 */
import type { Clock, Warnings } from "../../../core/mod.ts";
import type { Zone } from "../storage/time.ts";
import type { Devices } from "./registry.ts";

/** This machine's clock, and whether it agrees with the clocks it was compared with. */
export interface ClockSource {
  clock: Clock;
  clockTrusted: () => boolean;
}

/** No version of this program is older. */
const MIN_CLOCK_MS = Date.parse("2024-01-01T00:00:00Z");

/** Whether devices may set their clocks by this machine's. */
export function maySetClocks({ clock, clockTrusted }: ClockSource): boolean {
  return clock.now() > MIN_CLOCK_MS && clockTrusted();
}

/** Wall time for a device's clock; undefined while this machine's clock is in doubt. */
export function cloudTime(source: ClockSource, zone: Zone): string | undefined {
  return maySetClocks(source) ? zone.wallAt(source.clock.now()) : undefined;
}

/** Finds devices whose clock has an outdated offset; called every few seconds. */
export function sweepClocks(
  { devices, warnings, ...source }: ClockSource & { devices: Devices; warnings: Warnings },
): void {
  const { clock } = source;
  const offsets = new Map<Zone, number>();
  for (const { sn, zone, sentOffset, approval, link, protocol } of devices.all()) {
    const code = `attendance.clock.${sn}`;
    const offset = offsets.get(zone) ?? zone.offsetMinutesAt(clock.now());
    offsets.set(zone, offset);
    if (approval !== "approved" || sentOffset === null || sentOffset === offset) {
      warnings.clear(code);
    } else if (link) {
      if (maySetClocks(source)) link.close("the clocks have changed");
    } else if (protocol === "iclock") {
      warnings.raise(
        code,
        `Device ${sn} has set its clock by ${utc(sentOffset)}, and ${zone.name} is at ${
          utc(offset)
        } now: ` +
          "restart it, it learns that only when it starts",
      );
    }
  }
}

/** 330 → `UTC+5:30`. */
function utc(offsetMinutes: number): string {
  const hours = Math.trunc(Math.abs(offsetMinutes) / 60);
  const minutes = Math.abs(offsetMinutes) % 60;
  const rest = minutes === 0 ? "" : `:${String(minutes).padStart(2, "0")}`;
  return `UTC${offsetMinutes < 0 ? "-" : "+"}${hours}${rest}`;
}
