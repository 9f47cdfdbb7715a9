/** `clockblock attendance presence|days|months|export`: who is inside, and what was worked. @module */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import type { AttendanceDay, AttendanceMonth, Presence } from "../../../contract/attendance.ts";
import type { Day, Instant } from "../../../core/mod.ts";
import type { Context } from "../../context.ts";
import { UsageError } from "../../exit.ts";
import { day, dayFlag, jsonFlag, parsedFlag, switchFlag, textFlag } from "../../flags.ts";
import { jsonText } from "../../rows.ts";
import { columns } from "../../terminal.ts";
import { agentCommand } from "../agent_command.ts";

/** The most rows that the API gives at once. */
const PAGE_ROWS = 5_000;

const departmentFlag = textFlag("Only of this department", "name");
const personFlag = textFlag("Only of this person, by any of the person's ids", "id");

const presence = agentCommand<{ department?: string; json: boolean }>({
  brief: "Print who is inside, for an emergency: by name, with the devices that are offline",
  flags: { department: departmentFlag, json: jsonFlag },
  async run({ client, stdout }, { department, json }) {
    const present = await client.get<Presence>("/presence", { department });
    const running = client.url !== null;
    stdout.write(json ? jsonText(present) : emergencyList(present, { running }));
  },
});

/** The list for an evacuation. */
function emergencyList(
  { made_at, time_zone, inside, uncertain, devices_offline, count }: Presence,
  { running }: { running: boolean },
): string {
  const local = (instant: Instant) => localTime(instant, time_zone);
  const head = `Inside: ${count}   as of ${local(made_at)} ${time_zone}\n`;
  const line = (
    { person_id, name, department, device_sn, device_name }: Omit<
      Presence["inside"][number],
      "since"
    >,
    seen: string,
  ) => [
    "[ ]",
    name ?? person_id,
    name === null ? "" : person_id,
    department ?? "",
    seen,
    device_name ?? device_sn,
  ];
  const rows = inside.map((each) => line(each, `since ${local(each.since).slice(0, 16)}`));
  const unsure = uncertain.map((each) =>
    line(each, `sent ${local(each.received_at).slice(0, 16)}`)
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

const days = agentCommand<DayFlags>({
  brief: "Print days: first in, last out and hours of each person, newest first",
  flags: {
    from: dayFlag("The first day (default: today)"),
    to: dayFlag("The last day (default: today)"),
    person: personFlag,
    department: departmentFlag,
    device: textFlag("Only days with a punch at this device", "sn"),
    json: jsonFlag,
  },
  async run({ client, stdout }, { json, ...which }) {
    const pages = client.pages<AttendanceDay>("/attendance/days", { ...which, limit: PAGE_ROWS });
    const rows = (await Array.fromAsync(pages)).flat();
    if (json) return stdout.write(jsonText(rows));
    stdout.write(columns(rows.map((row) => [
      row.date,
      row.name ?? row.person_id,
      clock(row.first_in, row.time_zone),
      clock(row.last_out, row.time_zone),
      hours(row.minutes_inside),
      remarks(row),
    ])));
  },
});

const months = agentCommand<Omit<DayFlags, "device">>({
  brief: "Print months: days and hours of each person, newest first",
  flags: {
    from: parsedFlag(month, "The first month (default: this one)", "month"),
    to: parsedFlag(month, "The last month (default: this one)", "month"),
    person: personFlag,
    department: departmentFlag,
    json: jsonFlag,
  },
  async run({ client, stdout }, { json, ...which }) {
    const rows = await client.get<AttendanceMonth[]>("/attendance/months", which);
    if (json) return stdout.write(jsonText(rows));
    stdout.write(columns(rows.map((row) => [
      row.month,
      row.name ?? row.person_id,
      row.days === 1 ? "1 day" : `${row.days} days`,
      hours(row.minutes_inside),
      remarks(row),
    ])));
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

const exportSheets = agentCommand<ExportFlags>({
  brief: "Print days, months or who is inside as CSV for a spreadsheet",
  flags: {
    what: {
      kind: "enum",
      values: ["days", "months", "presence"],
      brief: "What to print",
      default: "days",
    },
    from: textFlag("The first day or month (default: this one)", "day"),
    to: textFlag("The last day or month (default: this one)", "day"),
    person: personFlag,
    department: departmentFlag,
    bom: switchFlag("Begin with a byte order mark, which Excel needs"),
  },
  check({ what, from, to }) {
    if (what === "presence") return;
    const check = what === "months" ? month : day;
    if (from) check(from);
    if (to) check(to);
  },
  async run({ client, stdout }, { what, bom, department, ...which }) {
    const [path, query] = what === "presence"
      ? ["/presence", { department }]
      : [`/attendance/${what}`, { ...which, department }];
    const text = await client.text(path, { ...query, format: "csv", bom: String(bom) });
    // A file or a program gets it as it is.
    if (stdout.terminal) stdout.write(text);
    else stdout.raw(text);
  },
});

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

export const attendanceCommand: RouteMap<Context> = buildRouteMap({
  routes: { presence, days, months, export: exportSheets },
  docs: { brief: "Attendance: who is inside, days and months, for a spreadsheet" },
});
