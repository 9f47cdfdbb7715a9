/** When in the week it is played: a table, so that it can be read without seeing colours. @module */
import type { VNode } from "preact";
import { duration, weekdayNames } from "../model/format.ts";

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const LEVELS = 5;

export function HeatMap({ heat }: { heat: readonly (readonly number[])[] }): VNode {
  const most = Math.max(...heat.flat());
  const names = weekdayNames();
  const name = (hour: number) =>
    new Intl.DateTimeFormat(undefined, { hour: "numeric", timeZone: "UTC" }).format(
      hour * 3_600_000,
    );
  return (
    <div class="heat">
      <table>
        <caption class="hidden">Minutes played by weekday and hour</caption>
        <thead>
          <tr>
            <td />
            {HOURS.map((hour) => (
              <th key={hour} scope="col" class={hour % 6 === 0 ? "" : "quiet"}>
                <span>{name(hour)}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {heat.map((hours, weekday) => (
            <tr key={weekday}>
              <th scope="row">{names[weekday]}</th>
              {hours.map((minutes, hour) => (
                <td
                  key={hour}
                  class={`level-${most === 0 ? 0 : Math.ceil(minutes / most * LEVELS)}`}
                  title={`${names[weekday]} ${name(hour)}: ${duration(minutes)}`}
                >
                  <span class="hidden">{duration(minutes)}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
