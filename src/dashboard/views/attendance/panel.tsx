/** Attendance: who is inside now, sheets of days and months, people, devices. @module */
import type { ComponentType, VNode } from "preact";
import { machineStatus, section } from "../../live/state.ts";
import { Dot } from "../parts.tsx";
import { DaysView } from "./days.tsx";
import { DevicesView } from "./devices.tsx";
import { NowView } from "./now.tsx";
import { PeopleView } from "./people.tsx";

const SECTIONS: readonly { id: string; name: string; view: ComponentType }[] = [
  { id: "now", name: "Now", view: NowView },
  { id: "days", name: "Days", view: DaysView },
  { id: "people", name: "People", view: PeopleView },
  { id: "devices", name: "Devices", view: DevicesView },
];

export function AttendancePanel(): VNode {
  const shown = SECTIONS.find(({ id }) => id === section.value) ?? SECTIONS[0]!;
  const { enabled, devices } = machineStatus.value?.attendance ?? {};
  const View = shown.view;
  return (
    <div class="attendance">
      <nav class="sections" aria-label="Attendance">
        {SECTIONS.map(({ id, name }) => (
          <a
            key={id}
            href={`#attendance/${id}`}
            aria-current={id === shown.id ? "page" : undefined}
          >
            {name}
            {id === "devices" && (devices?.pending ?? 0) > 0 && (
              <>
                <Dot tone="warn" />
                <span class="hidden">, a device waits for approval</span>
              </>
            )}
          </a>
        ))}
      </nav>
      {machineStatus.value?.attendance && !enabled && (
        <p class="notice">
          Attendance is off. Set <code>attendance.enabled</code> in config.json.
        </p>
      )}
      <View key={shown.id} />
    </div>
  );
}
