/** Attendance: who is inside now, sheets of days and months, people, devices. @module */
import type { ComponentType, VNode } from "preact";
import { machineStatus, section } from "../../live/state.ts";
import { Dot, Sections } from "../parts.tsx";
import { DaysView } from "./days.tsx";
import { DevicesView } from "./devices.tsx";
import { NowView } from "./now.tsx";
import { PeopleView } from "./people.tsx";

const SECTIONS: Readonly<Record<string, { name: string; view: ComponentType }>> = {
  now: { name: "Now", view: NowView },
  days: { name: "Days", view: DaysView },
  people: { name: "People", view: PeopleView },
  devices: { name: "Devices", view: DevicesView },
};

export function AttendancePanel(): VNode {
  const shown = Object.hasOwn(SECTIONS, section.value) ? section.value : "now";
  const { enabled, devices } = machineStatus.value?.attendance ?? {};
  const View = SECTIONS[shown]!.view;
  return (
    <div class="attendance">
      <Sections panel="attendance" label="Attendance" names={Object.keys(SECTIONS)} shown={shown}>
        {(id) => (
          <>
            {SECTIONS[id]!.name}
            {id === "devices" && (devices?.pending ?? 0) > 0 && (
              <>
                <Dot tone="warn" />
                <span class="hidden">, a device waits for approval</span>
              </>
            )}
          </>
        )}
      </Sections>
      {machineStatus.value?.attendance && !enabled && (
        <p class="notice">
          Attendance is off. Set <code>attendance.enabled</code> in config.json.
        </p>
      )}
      <View key={shown} />
    </div>
  );
}
