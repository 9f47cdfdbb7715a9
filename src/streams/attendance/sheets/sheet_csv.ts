/** Sheets for spreadsheets: local times of the row's `time_zone`, doors by name. @module */
import type { AttendanceDay } from "../../../contract/attendance.ts";
import { CSV_BOM, csvLine } from "../../../contract/csv.ts";
import { msOf } from "../../../core/mod.ts";
import { Zone, Zones } from "../storage/time.ts";
import type { DaySheet, SheetPunch } from "./day_sheets.ts";
import type { MonthSheet } from "./month_sheets.ts";
import type { Pieces } from "./pieces.ts";
import type { Inside } from "./sheets.ts";
import type { Uncertain } from "./uncertain.ts";

/** What sheets call persons and doors. */
export interface Names {
  person(id: string): Pick<AttendanceDay, "person_id" | "name" | "department">;
  device(sn: string): string | null;
}

/** Heading → the cell of a row. */
export type CsvTable<T> = Readonly<Record<string, (row: T) => unknown>>;

const WRONG_CLOCK = "seen at a device with a wrong clock";

export function dayCsv(names: Names): CsvTable<DaySheet> {
  const zones = new Zones();
  /** The device's own text where it is in that zone. */
  const local = (punch: SheetPunch, timeZone: string) =>
    punch.timeZone === timeZone ? punch.deviceTime : zones.get(timeZone).wallAt(punch.atMs);
  const door = (punch: SheetPunch) => names.device(punch.deviceSn) ?? punch.deviceSn;
  const half = (punch: SheetPunch | null, timeZone: string) =>
    punch ? `${local(punch, timeZone).slice(11)} ${door(punch)}` : "?";
  return {
    date: ({ date }) => date,
    ...personColumns(names, (day: DaySheet) => day.personId),
    first_in: ({ firstIn, timeZone }) => firstIn && local(firstIn, timeZone),
    last_out: ({ lastOut, timeZone }) => lastOut && local(lastOut, timeZone),
    minutes_inside: ({ minutesInside }) => minutesInside,
    missing_in: ({ missingIn }) => missingIn,
    missing_out: ({ missingOut }) => missingOut,
    corrected: ({ corrected }) => corrected,
    time_zone: ({ timeZone }) => timeZone,
    pairs: ({ stays, timeZone }) =>
      stays.map((stay) => `${half(stay.in, timeZone)} - ${half(stay.out, timeZone)}`).join("; "),
  };
}

export function monthCsv(names: Names): CsvTable<MonthSheet> {
  return {
    month: ({ month }) => month,
    ...personColumns(names, (sheet: MonthSheet) => sheet.person_id),
    days: ({ days }) => days,
    minutes_inside: (sheet) => sheet.minutes_inside,
    missing_in: (sheet) => sheet.missing_in,
    missing_out: (sheet) => sheet.missing_out,
  };
}

/** @param timeZone of the time at which a punch came, where its own is wrong */
export function presenceCsv(names: Names, timeZone: string): CsvTable<Inside | Uncertain> {
  const zone = new Zone(timeZone);
  const { name, ...columns } = personColumns(names, (row: Inside | Uncertain) => row.personId);
  return {
    name,
    ...columns,
    since: (row) => "entry" in row ? row.entry.deviceTime : zone.wallAt(msOf(row.receivedAt)),
    time_zone: (row) => "entry" in row ? row.entry.timeZone : timeZone,
    device: (row) => {
      const { deviceSn } = "entry" in row ? row.entry : row;
      return names.device(deviceSn) ?? deviceSn;
    },
    note: (row) => "entry" in row ? "" : WRONG_CLOCK,
  };
}

export function csvText<T>(table: CsvTable<T>, { bom }: { bom: boolean }): Pieces<T> {
  const cells = Object.values(table);
  return {
    head: (bom ? CSV_BOM : "") + csvLine(Object.keys(table)),
    textOf: (row) => csvLine(cells.map((cell) => cell(row))),
  };
}

function personColumns<Row>({ person }: Names, idOf: (row: Row) => string) {
  return {
    person_id: idOf,
    name: (row: Row) => person(idOf(row)).name,
    department: (row: Row) => person(idOf(row)).department,
  };
}
