/** Devices that are silent in an hour in which they are usually active: see activity_hours.ts. @module */
import { type Clock, instantOf, type Warnings } from "../../../core/mod.ts";
import type { Device } from "./device.ts";
import type { Devices } from "./registry.ts";
import { expectedSince } from "./activity_hours.ts";

/** A longer gap between two sweeps is sleep of this machine: devices get their time to connect again. */
const SLEPT_MS = 2 * 60_000;

export class SilenceWatch {
  readonly #devices: Devices;
  readonly #options: { clock: Clock; warnings: Warnings; afterMs: number };
  #watchingSince = 0;
  #sweptAt = -Infinity;

  /** @param options.afterMs silence of an expected device before a warning; 0: never */
  constructor(
    devices: Devices,
    options: { clock: Clock; warnings: Warnings; afterMs: number },
  ) {
    this.#devices = devices;
    this.#options = options;
  }

  get count(): number {
    return [...this.#devices.all()].filter(({ silent }) => silent).length;
  }

  /** Called every few seconds while devices are listened to. */
  sweep(): void {
    const now = this.#options.clock.now();
    if (Math.abs(now - this.#sweptAt) > SLEPT_MS) this.#watchingSince = now;
    this.#sweptAt = now;
    for (const device of this.#devices.all()) {
      const silent = this.#isSilent(device, now);
      if (silent === device.silent) continue;
      device.silent = silent;
      this.#tell(device);
      this.#devices.changed(device);
    }
  }

  #isSilent({ approval, online, hours, lastSeenMs }: Device, nowMs: number): boolean {
    const { afterMs } = this.#options;
    if (afterMs === 0 || approval !== "approved" || online || lastSeenMs === null) return false;
    const since = expectedSince(hours, { nowMs, lastSeenMs });
    return since !== undefined && nowMs - Math.max(since, this.#watchingSince) > afterMs;
  }

  #tell({ sn, title, silent, lastSeenMs }: Device): void {
    const { warnings } = this.#options;
    const code = `attendance.silent.${sn}`;
    if (!silent) return warnings.clear(code);
    warnings.raise(
      code,
      `Device ${title} was last heard at ${instantOf(lastSeenMs!)}, ` +
        "and at this hour it usually speaks. Look at its power, its network and the server address in its menu",
    );
  }
}
