/** A page of days as an answer: made as text in turns, so that what a slow reader keeps in memory is counted. @module */
import type { AttendanceDay } from "../../../contract/attendance.ts";
import { instantOf, MAX_LIST_BYTES, nextPage, type Readers } from "../../../core/mod.ts";
import type { DaySheet, SheetPunch } from "./day_sheets.ts";
import { Turns } from "./punch_reader.ts";
import type { Names } from "./sheet_csv.ts";

/** Rows made between two looks at the clock: about 0.2 ms. */
const ROWS_PER_TURN = 50;

/** The first of these days as an answer; its `Link` header leads to the rest. */
export async function dayList(
  raw: Request,
  days: readonly DaySheet[],
  { limit, names, readers }: {
    limit: number;
    names: Names;
    readers: Readers;
  },
): Promise<Response> {
  const items: string[] = [];
  const turns = new Turns();
  let characters = 0;
  for (const day of days.slice(0, limit)) {
    const json = JSON.stringify(dayAnswer(day, names));
    characters += json.length + 1;
    if (items.length > 0 && characters > MAX_LIST_BYTES) break;
    items.push(json);
    if (items.length % ROWS_PER_TURN === 0) await turns.turn();
  }
  const last = days[items.length - 1];
  const link = last && items.length < days.length
    ? nextPage(raw, { before: `${last.date}.${last.personId}` })
    : {};
  return readers.text(`[${items.join(",")}]`, {
    headers: { "content-type": "application/json", ...link },
  });
}

function dayAnswer(day: DaySheet, { person }: Names): AttendanceDay {
  const at = (punch: SheetPunch | null) => punch && instantOf(punch.atMs);
  return {
    ...person(day.personId),
    date: day.date,
    time_zone: day.timeZone,
    first_in: at(day.firstIn),
    last_out: at(day.lastOut),
    minutes_inside: day.minutesInside,
    pairs: day.stays.map((stay) => ({
      in: at(stay.in),
      out: at(stay.out),
      in_device: stay.in?.deviceSn ?? null,
      out_device: stay.out?.deviceSn ?? null,
    })),
    missing_out: day.missingOut,
    missing_in: day.missingIn,
    corrected: day.corrected,
  };
}
