/** A device's state as a colour and words. @module */
import type { VNode } from "preact";
import type { DeviceReport, DeviceState } from "../../../contract/attendance.ts";
import type { Tone } from "../../model/health.ts";
import { Ago } from "../parts.tsx";

const STATES: Readonly<Record<DeviceState, { tone: Tone; words: string }>> = {
  online: { tone: "good", words: "Online" },
  offline: { tone: "idle", words: "Offline" },
  pending: { tone: "warn", words: "Waiting for approval" },
  refused: { tone: "idle", words: "Refused" },
  unsupported: {
    tone: "warn",
    words: "Seen, not understood: set it to AiFace JSON or ADMS push",
  },
};
/** Offline in an hour in which it usually sends. */
const SILENT = { tone: "bad", words: "Silent, and usually it sends at this hour" } as const;

export function deviceHealth({ silent, state }: DeviceReport): { tone: Tone; words: string } {
  return silent ? SILENT : STATES[state];
}

export function StateText({ device }: { device: DeviceReport }): VNode {
  return (
    <>
      {deviceHealth(device).words}
      {device.state !== "online" && device.last_seen !== null && (
        <>
          , seen <Ago at={device.last_seen} />
        </>
      )}
    </>
  );
}
