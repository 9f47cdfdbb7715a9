/** Sheets of days and of months: filtered, exported, and corrected where a punch is missing or wrong. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { AttendanceDay, AttendanceMonth } from "../../../contract/attendance.ts";
import { ask } from "../../live/api.ts";
import { useDevices } from "../../live/attendance.ts";
import { useAnswer } from "../../live/hooks.ts";
import { todayDate, type Topic } from "../../live/state.ts";
import { counted, number } from "../../model/format.ts";
import { Card, Instead } from "../parts.tsx";
import { MAX_DAYS, SheetFilters, sheetQuery } from "./sheet_filters.tsx";
import { DayTable, MonthTable } from "./sheet_tables.tsx";

/** Rows that are added at a time. */
const PAGE = 200;
/** Below what the agent answers at once. */
const MAX_ROWS = 4_800;

export function DaysView(): VNode {
  const { by, from, to, query, valid } = sheetQuery(todayDate.value);
  const rows = useSignal(PAGE);
  const devices = useDevices();
  useEffect(() => void (rows.value = PAGE), [query]);
  // Punches change the sheet of a range that goes on.
  const topics: Topic[] = to >= todayDate.value
    ? ["presence", "people", "corrections"]
    : ["people", "corrections"];
  const sheet = useAnswer(
    async (signal): Promise<Sheet> => {
      if (!valid) return { query, days: [], more: false };
      if (by === "months") {
        return { query, months: await ask(`/attendance/months?${query}`, { signal }), more: false };
      }
      // One row more than is shown: if it comes, there are others.
      const days = await ask<AttendanceDay[]>(
        `/attendance/days?${query}&limit=${rows.value + 1}`,
        { signal },
      );
      return { query, days: days.slice(0, rows.value), more: days.length > rows.value };
    },
    { key: `${query} ${rows.value}`, topics },
  );
  const { days, months, more } = sheet.value ?? {};
  const names = new Map(devices.value?.map(({ sn, name }) => [sn, name ?? sn]));
  const count = (days ?? months)?.length ?? 0;
  return (
    <>
      <SheetFilters devices={devices.value ?? []} />
      {!valid && (
        <p class="failed" role="alert">
          Choose a first day that is before the last, at most {number(MAX_DAYS)} days earlier.
        </p>
      )}
      <Card
        title={by === "months" ? "Months" : "Days"}
        aside={
          <div class="tools">
            <small class="quiet" role="status">
              {sheet.value &&
                `${counted(count, "row")}${more ? ", and more" : ""}`}
            </small>
            {valid && (
              <a
                class="button"
                href={`/attendance/${by}?${query}&format=csv&bom=true`}
                download={`attendance-${by}-${from}-${to}.csv`}
              >
                Download CSV
              </a>
            )}
          </div>
        }
      >
        <Instead
          what="the sheet"
          answer={sheet}
          empty={count === 0 && "No punches match these filters."}
        >
          <div class="scroll tall" tabIndex={0} role="region" aria-label="Sheet">
            {months ? <MonthTable months={months} /> : <DayTable days={days ?? []} names={names} />}
            {more && rows.value >= MAX_ROWS && <p class="empty">The CSV has the other rows.</p>}
            {more && rows.value < MAX_ROWS && (
              <button
                type="button"
                class="more"
                disabled={sheet.loading}
                onClick={() => void (rows.value += PAGE)}
              >
                Show {number(PAGE)} more
              </button>
            )}
          </div>
        </Instead>
      </Card>
    </>
  );
}

interface Sheet {
  query: string;
  days?: AttendanceDay[];
  months?: AttendanceMonth[];
  /** Whether there are rows after these. */
  more: boolean;
}
