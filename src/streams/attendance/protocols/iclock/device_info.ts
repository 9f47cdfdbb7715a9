/** Model, firmware and MAC address that iclock devices report. @module */
import type { Device } from "../../devices/device.ts";

const FIELDS = new Map<string, "firmware" | "model" | "mac">([
  ["fwversion", "firmware"],
  ["firmver", "firmware"],
  ["devicename", "model"],
  ["mac", "mac"],
]);

/** Notes what a device reports of itself: `FWVersion=Ver 8.0.4.6`, `~DeviceName=SilkBio`. */
export function noteDeviceInfo(device: Device, line: string): void {
  for (const [, key, text] of line.matchAll(/~?(\w+)=([^,\t\r\n]{1,128})/g)) {
    const field = FIELDS.get(key!.toLowerCase());
    if (field) device[field] = printable(text!);
  }
}

/** Text of a device for display: without control characters, at most 128 characters. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, "").trim().slice(0, 128);
}
