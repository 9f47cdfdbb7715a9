/** `clockblock attendance presence|days|months|export`: who is inside, and what was worked. @module */
import { buildCommand, buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import type { AttendanceDay, AttendanceMonth, Presence } from "../../../contract/attendance.ts";
import type { Day, Instant } from "../../../core/mod.ts";
import type { Context } from "../../context.ts";
import { UsageError } from "../../exit.ts";
import { jsonFlag } from "../../flags.ts";
import { withAgent } from "../../session.ts";
import { columns } from "../../terminal.ts";
import { day } from "../export.ts";

/** The most rows that the API gives at once. */
const PAGE_ROWS = 5_000;

const departmentFlag = optional(String, "Only of this department", "name");
const personFlag = optional(String, "Only of this person, by any of the person's ids", "id");

const presence: Command<Context> = buildCommand<
  { department?: string; json: boolean },
  [],
  Context
>({
  docs: {
    brief: "Print who is inside, for an emergency: by name, with the devices that are offline",
  },
  parameters: { flags: { department: departmentFlag, json: jsonFlag } },
  async func({ department, json }) {
    const { stdout } = this.io;
    await withAgent(this, async (client) => {
      const present = await client.get<Presence>("/presence", { department });
      const running = client.url !== null;
      if (json) stdout.write(`${JSON.stringify(present, null, 2)}\n`);
      else stdout.write(emergencyList(present, { running }));
    });
  },
});

/** What is taken along when the house has to be left. */
function emergencyList(
  { made_at, time_zone, inside, uncertain, devices_offline, count }: Presence,
  { running }: { running: boolean },
): string {
  const local = (instant: Instant) => localTime(instant, time_zone);
  const head = `Inside: ${count}   as of ${local(made_at)} ${time_zone}\n`;
  const rows = inside.map(({ person_id, name, department, since, device_sn, device_name }) => [
    "[ ]",
    name ?? person_id,
    name === null ? "" : person_id,
    department ?? "",
    `since ${local(since).slice(0, 16)}`,
    device_name ?? device_sn,
  ]);
  const unsure = uncertain.map(
    ({ person_id, name, department, received_at, device_sn, device_name }) => [
      "[ ]",
      name ?? person_id,
      name === null ? "" : person_id,
      department ?? "",
      `sent ${local(received_at).slice(0, 16)}`,
      device_name ?? device_sn,
    ],
  );
  const offline = devices_offline.map(({ sn, name, last_seen }) => [
    name ?? sn,
    last_seen === null ? "never seen" : `last seen ${local(last_seen).slice(0, 16)}`,
  ]);
  return [
    head,
    ...(running ? [] : ["The agent does not run: nothing is recorded just now.\n"]),
    ...(rows.length > 0 ? ["\n", columns(rows)] : []),
    ...(unsure.length > 0
      ? ["\nMay be inside: seen at a device with a wrong clock.\n", columns(unsure)]
      : []),
    ...(offline.length > 0
      ? [
        "\nOffline: who went through these doors since then is not known.\n",
        columns(offline, { indent: "  " }),
      ]
      : []),
  ].join("");
}

interface DayFlags {
  from?: Day;
  to?: Day;
  person?: string;
  department?: string;
  device?: string;
  json: boolean;
}

const days: Command<Context> = buildCommand<DayFlags, [], Context>({
  docs: { brief: "Print days: first in, last out and hours of each person, newest first" },
  parameters: {
    flags: {
      from: optional(day, "The first day (default: today)", "day"),
      to: optional(day, "The last day (default: today)", "day"),
      person: personFlag,
      department: departmentFlag,
      device: optional(String, "Only days with a punch at this device", "sn"),
      json: jsonFlag,
    },
  },
  async func({ json, ...which }) {
    const { stdout } = this.io;
    await withAgent(this, async (client) => {
      const query = { ...which, limit: PAGE_ROWS };
      const rows: AttendanceDay[] = [];
      let page = await client.page<AttendanceDay>("/attendance/days", query);
      rows.push(...page.rows);
      while (page.next !== null) {
        page = await client.page<AttendanceDay>(page.next);
        rows.push(...page.rows);
      }
      if (json) return stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
      stdout.write(columns(rows.map((row) => [
        row.date,
        row.name ?? row.person_id,
        clock(row.first_in, row.time_zone),
        clock(row.last_out, row.time_zone),
        hours(row.minutes_inside),
        remarks(row),
      ])));
    });
  },
});

const months: Command<Context> = buildCommand<
  { from?: string; to?: string; person?: string; department?: string; json: boolean },
  [],
  Context
>({
  docs: { brief: "Print months: days and hours of each person, newest first" },
  parameters: {
    flags: {
      from: optional(month, "The first month (default: this one)", "month"),
      to: optional(month, "The last month (default: this one)", "month"),
      person: personFlag,
      department: departmentFlag,
      json: jsonFlag,
    },
  },
  async func({ json, ...which }) {
    const { stdout } = this.io;
    await withAgent(this, async (client) => {
      const rows = await client.get<AttendanceMonth[]>("/attendance/months", which);
      if (json) return stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
      stdout.write(columns(rows.map((row) => [
        row.month,
        row.name ?? row.person_id,
        row.days === 1 ? "1 day" : `${row.days} days`,
        hours(row.minutes_inside),
        remarks(row),
      ])));
    });
  },
});

interface ExportFlags {
  what: "days" | "months" | "presence";
  from?: string;
  to?: string;
  person?: string;
  department?: string;
  bom: boolean;
}

const exportSheets: Command<Context> = buildCommand<ExportFlags, [], Context>({
  docs: { brief: "Print days, months or who is inside as CSV for a spreadsheet" },
  parameters: {
    flags: {
      what: {
        kind: "enum",
        values: ["days", "months", "presence"],
        brief: "What to print",
        default: "days",
      },
      from: optional(String, "The first day or month (default: this one)", "day"),
      to: optional(String, "The last day or month (default: this one)", "day"),
      person: personFlag,
      department: departmentFlag,
      bom: {
        kind: "boolean",
        brief: "Begin with a byte order mark, which Excel needs",
        default: false,
        withNegated: false,
      },
    },
  },
  async func({ what, bom, from, to, person, department }) {
    const check = what === "months" ? month : day;
    const { stdout } = this.io;
    const query = what === "presence"
      ? { department }
      : { from: from && check(from), to: to && check(to), person, department };
    const path = what === "presence" ? "/presence" : `/attendance/${what}`;
    await withAgent(this, async (client) => {
      const text = await client.text(path, { ...query, format: "csv", bom: String(bom) });
      // A file or a program gets it as it is.
      if (stdout.terminal) stdout.write(text);
      else stdout.raw(text);
    });
  },
});

function optional<T>(parse: (text: string) => T, brief: string, placeholder: string): {
  kind: "parsed";
  parse: (text: string) => T;
  brief: string;
  placeholder: string;
  optional: true;
} {
  return { kind: "parsed", parse, brief, placeholder, optional: true };
}

function month(text: string): string {
  if (/^\d{4}-(?:0[1-9]|1[0-2])$/.test(text)) return text;
  throw new UsageError(`"${text}" is not a month, expected YYYY-MM`);
}

/** `2026-10-05 08:58:00` */
function localTime(instant: Instant, timeZone: string): string {
  return Temporal.Instant.from(instant).toZonedDateTimeISO(timeZone).toPlainDateTime()
    .toString({ smallestUnit: "second" }).replace("T", " ");
}

function clock(instant: Instant | null, timeZone: string): string {
  return instant === null ? "--:--" : localTime(instant, timeZone).slice(11, 16);
}

/** `8:05` */
function hours(minutes: number): string {
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
}

function remarks(
  { missing_in, missing_out, corrected = false }: {
    missing_in: boolean | number;
    missing_out: boolean | number;
    corrected?: boolean;
  },
): string {
  const times = (value: boolean | number) => typeof value === "number" ? ` (${value})` : "";
  return [
    ...(missing_in ? [`entry missing${times(missing_in)}`] : []),
    ...(missing_out ? [`exit missing${times(missing_out)}`] : []),
    ...(corrected ? ["corrected"] : []),
  ].join(", ");
}

export const attendance: RouteMap<Context> = buildRouteMap<
  "presence" | "days" | "months" | "export",
  Context
>({
  routes: { presence, days, months, export: exportSheets },
  docs: { brief: "Attendance: who is inside, days and months, for a spreadsheet" },
});
