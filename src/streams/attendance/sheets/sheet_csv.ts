/** Sheets for spreadsheets: local times of the row's `time_zone`, doors by name. @module */
import { CSV_BOM, csvLine } from "../../../contract/csv.ts";
import { msOf } from "../../../core/mod.ts";
import { Zone } from "../storage/time.ts";
import type { DaySheet, SheetPunch } from "./day_sheets.ts";
import type { MonthSheet } from "./month_sheets.ts";
import type { Pieces } from "./pieces.ts";
import type { Inside } from "./sheets.ts";
import type { Uncertain } from "./uncertain.ts";

/** What the files call persons and doors. */
export interface Names {
  nameOf(personId: string): string | null;
  departmentOf(personId: string): string | null;
  deviceName(sn: string): string | null;
}

export interface CsvTable<T> {
  columns: readonly string[];
  cells(row: T): readonly unknown[];
}

const WRONG_CLOCK = "seen at a device with a wrong clock";

export function dayCsv(names: Names): CsvTable<DaySheet> {
  const local = localTimes();
  const door = (punch: SheetPunch) => names.deviceName(punch.deviceSn) ?? punch.deviceSn;
  const half = (punch: SheetPunch | null, timeZone: string) =>
    punch ? `${local(punch, timeZone).slice(11)} ${door(punch)}` : "?";
  return {
    columns: [
      "date",
      "person_id",
      "name",
      "department",
      "first_in",
      "last_out",
      "minutes_inside",
      "missing_in",
      "missing_out",
      "corrected",
      "time_zone",
      "pairs",
    ],
    cells: (day) => [
      day.date,
      day.personId,
      names.nameOf(day.personId),
      names.departmentOf(day.personId),
      day.firstIn && local(day.firstIn, day.timeZone),
      day.lastOut && local(day.lastOut, day.timeZone),
      day.minutesInside,
      day.missingIn,
      day.missingOut,
      day.corrected,
      day.timeZone,
      day.stays.map((stay) => `${half(stay.in, day.timeZone)} - ${half(stay.out, day.timeZone)}`)
        .join("; "),
    ],
  };
}

export function monthCsv(names: Names): CsvTable<MonthSheet> {
  return {
    columns: [
      "month",
      "person_id",
      "name",
      "department",
      "days",
      "minutes_inside",
      "missing_in",
      "missing_out",
    ],
    cells: ({ month, personId, days, minutesInside, missingIn, missingOut }) => [
      month,
      personId,
      names.nameOf(personId),
      names.departmentOf(personId),
      days,
      minutesInside,
      missingIn,
      missingOut,
    ],
  };
}

/** @param timeZone of the time at which a punch came, where its own is wrong */
export function presenceCsv(names: Names, timeZone: string): CsvTable<Inside | Uncertain> {
  const local = localTimes();
  const zone = new Zone(timeZone);
  return {
    columns: ["name", "person_id", "department", "since", "time_zone", "device", "note"],
    cells: (row) => {
      const { personId } = row;
      const [since, sinceZone, sn, note] = "entry" in row
        ? [local(row.entry, row.entry.timeZone), row.entry.timeZone, row.entry.deviceSn, ""]
        : [zone.wallAt(msOf(row.receivedAt)), timeZone, row.deviceSn, WRONG_CLOCK];
      return [
        names.nameOf(personId),
        personId,
        names.departmentOf(personId),
        since,
        sinceZone,
        names.deviceName(sn) ?? sn,
        note,
      ];
    },
  };
}

export function csvText<T>({ columns, cells }: CsvTable<T>, { bom }: { bom: boolean }): Pieces<T> {
  return {
    head: (bom ? CSV_BOM : "") + csvLine(columns),
    textOf: (row) => csvLine(cells(row)),
  };
}

/** The wall time of a punch in a zone: the device's own text where it is in that zone. */
function localTimes(): (punch: SheetPunch, timeZone: string) => string {
  const zones = new Map<string, Zone>();
  return (punch, timeZone) => {
    if (punch.timeZone === timeZone) return punch.deviceTime;
    const zone = zones.get(timeZone) ?? new Zone(timeZone);
    zones.set(timeZone, zone);
    return zone.wallAt(punch.atMs);
  };
}
