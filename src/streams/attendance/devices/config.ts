/** One device as the configuration lists it, in `attendance.devices`. @module */
import type { Warnings } from "../../../core/mod.ts";
import type { Device } from "./device.ts";
import type { DeviceRole } from "../sheets/direction.ts";

export interface DeviceConfig {
  sn: string;
  name: string;
  /** Zone of its clock, where it differs from `attendance.time_zone`. */
  time_zone?: string | undefined;
  /** What the door is for (default: both ways, or what was chosen since). */
  role?: DeviceRole | undefined;
  /** Its only address: nothing is accepted from another one (default: the address it was approved with). */
  address?: string | undefined;
  /** The expected protocol; another one is accepted, with a warning. */
  protocol?: "aiface" | "iclock" | undefined;
  /**
   * Status of the answer to an iclock device when its punches could not be stored (default 503). Some firmware is
   * reported to drop the punches after a 5xx and to keep them after a 200 that begins with `ERROR`.
   */
  nack_status?: 200 | 503 | undefined;
}

/** Warns while a device uses another protocol than it is configured with. */
export function reportProtocol(
  { sn, protocol }: Device,
  { expected, warnings }: { expected: DeviceConfig["protocol"]; warnings: Warnings },
): void {
  const code = `attendance.protocol.${sn}`;
  if (expected === undefined || expected === protocol) return warnings.clear(code);
  warnings.raise(
    code,
    `Device ${sn} speaks ${protocol}, the configuration says ${expected}: is it another device?`,
  );
}
