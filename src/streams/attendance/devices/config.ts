/** One device as the configuration lists it, in `attendance.devices`. @module */
import type { Warnings } from "../../../core/mod.ts";
import type { Device } from "./device.ts";

export interface DeviceConfig {
  sn: string;
  name: string;
  /** Where its clock is set to another zone than the others'. */
  time_zone?: string | undefined;
  /** Where it is, for good: nothing is taken from another address (default: where it was approved or first met). */
  address?: string | undefined;
  /** What it is expected to speak; another protocol is taken all the same and warned of. */
  protocol?: "aiface" | "iclock" | undefined;
  /**
   * How an iclock device is told that its punches could not be stored (default: status 503). Some firmware is
   * said to throw the punches away after a 5xx and to keep them after a 200 that begins with `ERROR`.
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
