/** Every device at a glance, and how many are in each state. @module */
import type { DeviceReport } from "../../../contract/attendance.ts";
import type { Device } from "./device.ts";

/** Every device, the approved first, each group by name. */
export function deviceReports(devices: Iterable<Device>): DeviceReport[] {
  const rank = ({ state }: DeviceReport) => state === "online" || state === "offline" ? 0 : 1;
  return [...devices].map((device) => device.report()).sort((a, b) =>
    rank(a) - rank(b) || (a.name ?? a.sn).localeCompare(b.name ?? b.sn)
  );
}

export function countStates(devices: Iterable<Device>): Record<DeviceReport["state"], number> {
  const counts = { online: 0, offline: 0, pending: 0, refused: 0, unsupported: 0 };
  for (const { state } of devices) counts[state]++;
  return counts;
}
