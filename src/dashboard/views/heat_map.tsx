/** When in the week it is played: a table, so that it can be read without seeing colours. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { clock, duration, weekdayNames } from "../model/format.ts";

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const LEVELS = 5;

export function HeatMap({ heat }: { heat: readonly (readonly number[])[] }): VNode {
  const under = useSignal<{ weekday: number; hour: number } | null>(null);
  const point = ({ target }: PointerEvent) => {
    const cell = (target as Element).closest("tbody td") as HTMLTableCellElement | null;
    const row = cell?.parentElement as HTMLTableRowElement | undefined;
    under.value = cell && row ? { weekday: row.rowIndex - 1, hour: cell.cellIndex - 1 } : null;
  };
  const words = ({ weekday, hour }: { weekday: number; hour: number }) =>
    `${names[weekday]}, ${clock(hour * 3_600_000, "UTC")} – ${
      clock((hour + 1) * 3_600_000, "UTC")
    }: ${duration(heat[weekday]?.[hour] ?? 0)}`;
  const most = Math.max(...heat.flat());
  const names = weekdayNames();
  const name = (hour: number) =>
    new Intl.DateTimeFormat(undefined, { hour: "numeric", timeZone: "UTC" }).format(
      hour * 3_600_000,
    );
  return (
    <div class="heat">
      <table onPointerOver={point} onPointerLeave={() => void (under.value = null)}>
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
                  style={colour(most === 0 ? 0 : Math.ceil(minutes / most * LEVELS))}
                >
                  <span class="hidden">{duration(minutes)}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p class="under" aria-hidden="true">
        {under.value ? words(under.value) : (
          <>
            <span>Less</span>
            {Array.from(
              { length: LEVELS + 1 },
              (_, level) => <i key={level} style={colour(level)} />,
            )}
            <span>More</span>
          </>
        )}
      </p>
    </div>
  );
}

function colour(level: number): { background: string } {
  return { background: `var(--heat-${level})` };
}
