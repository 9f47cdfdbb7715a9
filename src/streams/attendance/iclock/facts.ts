/** What iclock devices tell of themselves in passing. @module */
import type { Device } from "../device.ts";

/** Notes what a device tells of itself: `FWVersion=Ver 8.0.4.6`, `~DeviceName=SilkBio`. */
export function learn(device: Device, line: string): void {
  for (const [, key, value] of line.matchAll(/~?(\w+)=([^,\t\r\n]{1,128})/g)) {
    switch (key!.toLowerCase()) {
      case "fwversion":
      case "firmver":
        device.firmware = value!.trim();
        break;
      case "devicename":
        device.model = value!.trim();
        break;
      case "mac":
        device.mac = value!.trim();
    }
  }
}
