/** The rows of sheets: one a person and day, or one a person and month. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import type { AttendanceDay, AttendanceMonth } from "../../../contract/attendance.ts";
import { dayMarks, doorTime, hours, pairsText } from "../../model/attendance.ts";
import { dayName, monthName, number } from "../../model/format.ts";
import { Columns } from "../parts.tsx";
import { PunchesDialog } from "./punches_dialog.tsx";

export function DayTable(
  { days, names }: { days: readonly AttendanceDay[]; names: ReadonlyMap<string, string> },
): VNode {
  const open = useSignal<AttendanceDay | null>(null);
  return (
    <>
      <table class="table sheet">
        <Columns
          names={["Day", "Person", "First in", "Last out", "Hours", "Times", "Marks"]}
        />
        <tbody>
          {days.map((day) => (
            <tr key={`${day.date} ${day.person_id}`}>
              <td>{dayName(day.date)}</td>
              <th scope="row">
                <button
                  type="button"
                  class="link"
                  aria-label={`Punches of ${day.name ?? day.person_id} on ${dayName(day.date)}`}
                  onClick={() => void (open.value = day)}
                >
                  {day.name ?? day.person_id}
                </button>
                {day.department !== null && <small class="quiet">{day.department}</small>}
              </th>
              <td>{doorTime(day.first_in, day)}</td>
              <td>{doorTime(day.last_out, day)}</td>
              <td>{hours(day.minutes_inside)}</td>
              <td class="times">{pairsText(day)}</td>
              <td>
                {dayMarks(day).map(({ text, warn }) => (
                  <span key={text} class={`tag ${warn ? "warn" : ""}`}>{text}</span>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {open.value && (
        <PunchesDialog
          key={`${open.value.date} ${open.value.person_id}`}
          day={open.value}
          names={names}
          close={() => void (open.value = null)}
        />
      )}
    </>
  );
}

export function MonthTable({ months }: { months: readonly AttendanceMonth[] }): VNode {
  return (
    <table class="table sheet">
      <Columns
        names={["Month", "Person", "Days", "Hours", "Entries missing", "Exits missing"]}
      />
      <tbody>
        {months.map((month) => (
          <tr key={`${month.month} ${month.person_id}`}>
            <td>{monthName(month.month)}</td>
            <th scope="row">
              {month.name ?? month.person_id}
              {month.department !== null && <small class="quiet">{month.department}</small>}
            </th>
            <td>{number(month.days)}</td>
            <td>{hours(month.minutes_inside)}</td>
            <td>{number(month.missing_in)}</td>
            <td>{number(month.missing_out)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
