/** `clockblock punches`: what the attendance devices recorded, and its corrections by a person. @module */
import { buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import type { Correction } from "../../../contract/attendance.ts";
import type { Day } from "../../../core/mod.ts";
import type { Context } from "../../context.ts";
import { argument, checkDays, dayFlag, formatFlag, textFlag } from "../../flags.ts";
import { writeRows } from "../../rows.ts";
import { agentCommand } from "../agent_command.ts";

interface Flags {
  format: "csv" | "json";
  from?: Day;
  to?: Day;
  device?: string;
  person?: string;
}

const COLUMNS = [
  "id",
  "device_sn",
  "person_id",
  "person_name",
  "punched_at",
  "device_time",
  "time_zone",
  "time_suspect",
  "mode",
  "in_out",
  "event",
  "struck",
  "added_by",
  "direction",
  "direction_by",
  "received_at",
  "synced_at",
] as const;

/** The most rows that the API gives at once. */
const PAGE_ROWS = 5_000;
const PAGE_CORRECTIONS = 1_000;

const exportPunches = agentCommand<Flags>({
  brief: "Print punches as CSV or JSON, newest first",
  flags: {
    format: formatFlag,
    from: dayFlag("The first day, in the devices' zone"),
    to: dayFlag("The last day"),
    device: textFlag("Only of this device", "sn"),
    person: textFlag("Only of this person", "id"),
  },
  check: checkDays,
  async run({ client, stdout }, { format, ...which }) {
    const pages = client.pages<Record<string, unknown>>("/punches", { ...which, limit: PAGE_ROWS });
    await writeRows(stdout, pages, { format, columns: COLUMNS });
  },
});

interface Author {
  by: string;
  reason: string;
}

const author = {
  by: { kind: "parsed", parse: String, brief: "Who corrects", placeholder: "name" },
  reason: { kind: "parsed", parse: String, brief: "Why", placeholder: "text" },
} as const;

interface AddFlags extends Author {
  direction?: "in" | "out";
  device?: string;
}

const add = agentCommand<AddFlags, [string, string]>({
  brief: "Add a punch that is missing, with who adds it and why",
  flags: {
    ...author,
    direction: { kind: "enum", values: ["in", "out"], brief: "Entry or exit", optional: true },
    device: textFlag("At this device", "sn"),
  },
  positional: {
    kind: "tuple",
    parameters: [
      argument("The person's id", "person"),
      argument("When: 2026-03-02 17:30 in the devices' zone, or an instant", "time"),
    ],
  },
  async run({ client, stdout }, { by, reason, direction, device: device_sn }, person_id, at) {
    const body = { kind: "add", person_id, at, direction, device_sn, by, reason };
    const { punch_id, punched_at } = await client.post<Correction>("/punches/corrections", body);
    stdout.write(`Punch ${punch_id} of ${person_id} at ${punched_at} is added\n`);
  },
});

function decision(
  kind: "strike" | "restore",
  { brief, done }: { brief: string; done: string },
): Command<Context> {
  return agentCommand<Author, [string]>({
    brief,
    flags: author,
    positional: { kind: "tuple", parameters: [argument("The punch's id", "punch")] },
    async run({ client, stdout }, { by, reason }, punch_id) {
      const body = { kind, punch_id, by, reason };
      const { person_id, punched_at } = await client.post<Correction>("/punches/corrections", body);
      stdout.write(`Punch of ${person_id} at ${punched_at} ${done}\n`);
    },
  });
}

const CORRECTION_COLUMNS = [
  "id",
  "kind",
  "punch_id",
  "person_id",
  "punched_at",
  "direction",
  "by",
  "reason",
  "created_at",
  "synced_at",
] as const;

const corrections = agentCommand<Pick<Flags, "format" | "from" | "to" | "person">>({
  brief: "Print corrections as CSV or JSON, by the time of the punch, newest first",
  flags: {
    format: formatFlag,
    from: dayFlag("The first day of the punches"),
    to: dayFlag("The last day"),
    person: textFlag("Only of this person", "id"),
  },
  async run({ client, stdout }, { format, ...which }) {
    const pages = client.pages<Record<string, unknown>>("/punches/corrections", {
      ...which,
      limit: PAGE_CORRECTIONS,
    });
    await writeRows(stdout, pages, { format, columns: CORRECTION_COLUMNS });
  },
});

export const punchesCommand: RouteMap<Context> = buildRouteMap({
  routes: {
    export: exportPunches,
    add,
    strike: decision("strike", {
      brief: "Strike a punch out: it stays, and does not count",
      done: "is struck out",
    }),
    restore: decision("restore", {
      brief: "Have a punch count again that was struck out",
      done: "counts again",
    }),
    corrections,
  },
  docs: { brief: "Punches of the attendance devices: print them, add, strike out, restore" },
});
