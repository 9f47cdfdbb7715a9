/** The attendance devices, and what they sent that could not be understood. @module */
import type { VNode } from "preact";
import { useDevices } from "../../live/attendance.ts";
import { machineStatus } from "../../live/state.ts";
import { Card, Instead } from "../parts.tsx";
import { DeviceRow } from "./device_row.tsx";
import { QuarantineCard } from "./quarantine.tsx";

export function DevicesView(): VNode {
  const devices = useDevices();
  const { listening, addresses } = machineStatus.value?.attendance ?? {};
  return (
    <>
      <Card
        title="Devices"
        aside={
          <small class="quiet">
            {listening ? `listening at ${addresses?.join(" or ") || listening}` : "not listening"}
          </small>
        }
      >
        <Instead
          what="the devices"
          answer={devices}
          empty={devices.value?.length === 0 &&
            "No device has connected yet. Set the server in its menu to this computer's address and port."}
        >
          <ul class="devices">
            {devices.value?.map((device) => (
              <DeviceRow key={device.sn} device={device} changed={devices.reload} />
            ))}
          </ul>
        </Instead>
      </Card>
      <QuarantineCard />
    </>
  );
}
