/** Sheets over HTTP: who is inside, days, months; as JSON and for spreadsheets. @module */
import * as v from "valibot";
import {
  attendanceDay,
  type AttendanceMonth,
  attendanceMonth,
  type Presence,
  presence,
} from "../../../contract/attendance.ts";
import {
  addDays,
  type Clock,
  type Day,
  dayAt,
  dayText,
  instantOf,
  pageQuery,
  Problem,
  type Readers,
  type Route,
  route,
  yesNo,
} from "../../../core/mod.ts";
import { deviceReports } from "../devices/reports.ts";
import type { Devices } from "../devices/registry.ts";
import { serial, textAs } from "../params.ts";
import type { People } from "../storage/people.ts";
import { dayList } from "./day_list.ts";
import type { DaySheet } from "./day_sheets.ts";
import { jsonArray, type Part, type Pieces, piecesOf } from "./pieces.ts";
import { type CsvTable, csvText, dayCsv, monthCsv, type Names, presenceCsv } from "./sheet_csv.ts";
import type { MonthSheet } from "./month_sheets.ts";
import type { Sheets } from "./sheets.ts";

export interface SheetRoutesOptions {
  sheets: Sheets;
  people: People;
  devices: Devices;
  clock: Clock;
  /** The zone in which it is today. */
  timeZone: string;
}

/** Days and months of one answer. */
const MAX_DAYS = 92;
const MAX_MONTHS = 24;

const format = v.optional(
  v.pipe(
    v.picklist(["json", "csv"], "expected json or csv"),
    v.description("csv: for spreadsheets, all of it"),
  ),
  "json",
);
const bom = v.optional(
  v.pipe(yesNo(), v.description("CSV begins with a byte order mark, which Excel needs")),
  "false",
);
const department = v.optional(v.pipe(
  v.string(),
  v.maxLength(100),
  v.description("only of this department"),
));
const person = v.optional(v.pipe(
  v.string(),
  v.maxLength(64),
  v.description("only of this person, by any of the person's ids"),
));
const device = v.optional(v.pipe(serial, v.description("only days with a punch at this device")));

export function sheetRoutes(options: SheetRoutesOptions): Route[] {
  const { sheets, people, devices, clock, timeZone } = options;
  const tag = "attendance";
  const names = (): Names => ({
    person: memo((id) => ({
      person_id: id,
      name: people.nameOf(id),
      department: people.departmentOf(id),
    })),
    device: (sn) => devices.find(sn)?.name ?? null,
  });
  const today = () => dayAt(clock.now(), timeZone);
  return [
    route({
      method: "GET",
      path: "/presence",
      summary: "Who is inside, by name, and which devices are offline",
      tag,
      query: v.strictObject({ department, format, bom }),
      answer: presence,
      mediaType: "text/csv",
      async handle({ query: { department, format, bom }, readers }) {
        const madeAt = instantOf(clock.now());
        const { person, device } = names();
        const read = () => sheets.present({ department });
        if (format === "csv") {
          const rows = () => read().then(({ inside, uncertain }) => [...inside, ...uncertain]);
          return csv([rows], presenceCsv(names(), timeZone), { bom, readers });
        }
        const { inside, uncertain } = await readers.doAlone(read);
        return {
          made_at: madeAt,
          time_zone: timeZone,
          inside: inside.map(({ personId, entry }) => ({
            ...person(personId),
            since: instantOf(entry.atMs),
            device_sn: entry.deviceSn,
            device_name: device(entry.deviceSn),
          })),
          uncertain: uncertain.map(({ personId, receivedAt, deviceSn }) => ({
            ...person(personId),
            received_at: receivedAt,
            device_sn: deviceSn,
            device_name: device(deviceSn),
          })),
          devices_offline: deviceReports(devices.all()).filter(({ state }) => state === "offline")
            .map(({ sn, name, last_seen }) => ({ sn, name, last_seen })),
          count: inside.length,
        } satisfies Presence;
      },
    }),
    route({
      method: "GET",
      path: "/attendance/days",
      summary: "Days: first in, last out and minutes inside of each person, the newest day first",
      tag,
      query: v.strictObject({
        from: v.optional(v.pipe(dayText(), v.description("the first day (default: today)"))),
        to: v.optional(v.pipe(dayText(), v.description("the last day (default: today)"))),
        person,
        department,
        device,
        ...pageQuery("before", place(), {
          limit: 1_000,
          max: 5_000,
          description: "where the page begins: from the Link header of the one before",
        }),
        format,
        bom,
      }),
      answer: v.array(attendanceDay),
      mediaType: "text/csv",
      paged: true,
      async handle({ query, raw, readers }) {
        const { from, to } = span(query, today());
        if (addDays(from, MAX_DAYS) <= to) throw tooLong(`${MAX_DAYS} days`);
        const { person, department, device, limit, before, format, bom } = query;
        const parts = (to: Day) =>
          sheets.days({ from, to, person, department }).map((read) => async () => {
            const days = await read();
            return device === undefined ? days : days.filter((day) => isAt(day, device));
          });
        if (format === "csv") return csv(parts(to), dayCsv(names()), { bom, readers });
        return await readers.doAlone(async () => {
          const days: DaySheet[] = [];
          let place = before && before.date <= to ? before : undefined;
          for (const read of parts(place?.date ?? to)) {
            const part = await read();
            for (const day of place ? part.slice(placeOf(part, place) + 1) : part) days.push(day);
            place = undefined;
            if (days.length > limit) break;
          }
          return await dayList(raw, days, { limit, names: names(), readers });
        });
      },
    }),
    route({
      method: "GET",
      path: "/attendance/months",
      summary: "Months: days and minutes inside of each person, the newest month first",
      tag,
      query: v.strictObject({
        from: v.optional(v.pipe(monthText(), v.description("the first month (default: this one)"))),
        to: v.optional(v.pipe(monthText(), v.description("the last month (default: this one)"))),
        person,
        department,
        format,
        bom,
      }),
      answer: v.array(attendanceMonth),
      mediaType: "text/csv",
      handle({ query, readers }) {
        const { from, to } = span(query, today().slice(0, 7));
        const after = Temporal.PlainYearMonth.from(from).add({ months: MAX_MONTHS }).toString();
        if (after <= to) throw tooLong(`${MAX_MONTHS} months`);
        const { person, department, format, bom } = query;
        const months = sheets.months({ from, to, person, department });
        if (format === "csv") return csv(months, monthCsv(names()), { bom, readers });
        const { person: described } = names();
        const json = jsonArray((sheet: MonthSheet) =>
          ({ ...described(sheet.person_id), ...sheet }) satisfies AttendanceMonth
        );
        return sent(months, json, { type: "application/json", readers });
      },
    }),
  ];
}

/** A person has many rows. */
function memo<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    const known = made.get(key) ?? make(key);
    made.set(key, known);
    return known;
  };
}

function csv<T>(
  parts: readonly Part<T>[],
  table: CsvTable<T>,
  { bom, readers }: { bom: boolean; readers: Readers },
): Response {
  return sent(parts, csvText(table, { bom }), { type: "text/csv; charset=utf-8", readers });
}

/** Each part is read once its turn has come: a slow reader keeps the text of one of them. */
function sent<T>(
  parts: readonly Part<T>[],
  text: Pieces<T>,
  { type, readers }: { type: string; readers: Readers },
): Response {
  const pieces = piecesOf(parts, text);
  return readers.pieces({ next: () => readers.doAlone(() => pieces.next()) }, {
    headers: { "content-type": type },
  });
}

function isAt({ stays }: DaySheet, sn: string): boolean {
  return stays.some((stay) => stay.in?.deviceSn === sn || stay.out?.deviceSn === sn);
}

/** `from` alone goes up to now, `to` alone is that day or month; neither is now. */
function span<T extends string>(
  { from, to }: { from?: T | undefined; to?: T | undefined },
  now: T,
): { from: T; to: T } {
  const first = from ?? to ?? now;
  const last = to ?? (first > now ? first : now);
  if (first <= last) return { from: first, to: last };
  throw new Problem(400, "Invalid request", {
    detail: `query parameter "from": ${first} is after ${last}`,
    extra: { parameter: "from" },
  });
}

function tooLong(limit: string): Problem {
  return new Problem(400, "Invalid request", {
    detail: `query parameter "to": expected at most ${limit} from "from" on`,
    extra: { parameter: "to" },
  });
}

function monthText(): v.GenericSchema<string, string> {
  const message = "expected a month as YYYY-MM";
  return v.pipe(
    v.string(message),
    v.regex(/^\d{4}-(?:0[1-9]|1[0-2])$/, message),
    v.metadata({ examples: ["2026-03"] }),
  );
}

interface Place {
  date: Day;
  personId: string;
}

function place(): v.GenericSchema<string, Place> {
  return textAs("expected the link to the next page", (text) => {
    const [, date = "", personId] = /^(\d{4}-\d{2}-\d{2})\.(.{1,64})$/.exec(text) ?? [];
    return personId === undefined ? undefined : { date, personId };
  });
}

/** The row at a place; where it is gone, the last one of its day and of those that come before it. */
function placeOf(days: readonly DaySheet[], { date, personId }: Place): number {
  const at = days.findIndex((day) => day.date === date && day.personId === personId);
  return at >= 0 ? at : days.findLastIndex((day) => day.date >= date);
}
