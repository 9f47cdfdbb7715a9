/** The filters of the sheets. They are kept while another section is shown. @module */
import type { VNode } from "preact";
import { signal } from "@preact/signals";
import type { DeviceReport } from "../../../contract/attendance.ts";
import { todayDate } from "../../live/state.ts";
import { quickRanges } from "../../model/attendance.ts";
import { addDays, type Day, daysBetween } from "../../model/zones.ts";
import { Segments } from "../forms.tsx";
import { usePeople } from "../../live/attendance.ts";

/** The longest range of days that the agent answers, and the longest of months in days. */
export const MAX_DAYS = 92;
const MAX_MONTHS = 24;

interface Filters {
  by: "days" | "months";
  /** The name of a quick range, which moves on at midnight; null: `from` and `to` as chosen. */
  range: string | null;
  from: Day;
  to: Day;
  person: string;
  department: string;
  device: string;
}

const filters = signal<Filters>({
  by: "days",
  range: "Today",
  from: "",
  to: "",
  person: "",
  department: "",
  device: "",
});

function update(change: Partial<Filters>): void {
  filters.value = { ...filters.value, ...change };
}

export interface SheetFilter {
  by: "days" | "months";
  from: Day;
  to: Day;
  /** For the agent. */
  query: string;
  valid: boolean;
}

/** What the filters ask for, by the day that it is. */
export function sheetQuery(day: Day): SheetFilter {
  const { by, range, person, department, device, ...chosen } = filters.value;
  const { from, to } = quickRanges(day, by)[range ?? ""] ?? chosen;
  const months = by === "months";
  const query = new URLSearchParams(
    months ? { from: from.slice(0, 7), to: to.slice(0, 7) } : { from, to },
  );
  if (person !== "") query.set("person", person);
  if (department !== "") query.set("department", department);
  if (device !== "" && !months) query.set("device", device);
  return { by, from, to, query: `${query}`, valid: validRange({ by, from, to }) };
}

function validRange({ by, from, to }: Pick<Filters, "by" | "from" | "to">): boolean {
  if (from === "" || to === "" || from > to) return false;
  if (by === "days") return daysBetween(from, to) < MAX_DAYS;
  const months = (day: Day) => Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7));
  return months(to) - months(from) < MAX_MONTHS;
}

export function SheetFilters({ devices }: { devices: readonly DeviceReport[] }): VNode {
  const people = usePeople().value ?? [];
  const { by, range, person, department, device } = filters.value;
  const { from, to } = sheetQuery(todayDate.value);
  const departments = [...new Set(people.flatMap(({ department }) => department ?? []))].sort();
  const pick = (edge: "from" | "to") => (event: Event) => {
    const { value } = event.currentTarget as HTMLInputElement;
    if (value !== "") update({ range: null, from, to, [edge]: value });
  };
  const chosen = (key: "person" | "department" | "device") => (event: Event) =>
    update({ [key]: (event.currentTarget as HTMLSelectElement).value });
  return (
    <div class="filters">
      <div class="tools">
        <Segments
          label="Sheet of"
          keys={["days", "months"] as const}
          pressed={by}
          press={(by) => update({ by, range: by === "days" ? "Today" : "This month" })}
        >
          {(key) => key === "days" ? "Days" : "Months"}
        </Segments>
        <Segments
          label="Range"
          keys={Object.keys(quickRanges(todayDate.value, by))}
          pressed={range}
          press={(range) => update({ range })}
        >
          {(name) => name}
        </Segments>
      </div>
      <div class="tools">
        <label>
          <span>From</span>
          <input type="date" value={from} onChange={pick("from")} />
        </label>
        <label>
          <span>To</span>
          <input type="date" value={to} max={addDays(todayDate.value, 1)} onChange={pick("to")} />
        </label>
        <label>
          <span>Person</span>
          <select value={person} onChange={chosen("person")}>
            <option value="">Everyone</option>
            {people.map(({ person_id, name }) => (
              <option key={person_id} value={person_id}>{name ?? person_id}</option>
            ))}
          </select>
        </label>
        <label>
          <span>Department</span>
          <select value={department} onChange={chosen("department")}>
            <option value="">All</option>
            {departments.map((name) => <option key={name} value={name}>{name}</option>)}
          </select>
        </label>
        {by === "days" && (
          <label>
            <span>Device</span>
            <select value={device} onChange={chosen("device")}>
              <option value="">All</option>
              {devices.map(({ sn, name }) => <option key={sn} value={sn}>{name ?? sn}</option>)}
            </select>
          </label>
        )}
      </div>
    </div>
  );
}
