/** `clockblock punches`: what the attendance devices recorded, and its corrections by a person. @module */
import { buildCommand, buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import type { Correction } from "../../../contract/attendance.ts";
import type { Day } from "../../../core/mod.ts";
import type { AgentClient, Query } from "../../client.ts";
import type { Context } from "../../context.ts";
import { UsageError } from "../../exit.ts";
import { type ExportRow, writeCsv, writeJson } from "../../rows.ts";
import { withAgent } from "../../session.ts";
import { day } from "../export.ts";

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

const exportPunches: Command<Context> = buildCommand<Flags, [], Context>({
  docs: { brief: "Print punches as CSV or JSON, newest first" },
  parameters: {
    flags: {
      format: { kind: "enum", values: ["csv", "json"], brief: "How to print", default: "csv" },
      from: flag(day, { brief: "The first day, in the devices' zone", placeholder: "day" }),
      to: flag(day, { brief: "The last day", placeholder: "day" }),
      device: flag(String, { brief: "Only of this device", placeholder: "sn" }),
      person: flag(String, { brief: "Only of this person", placeholder: "id" }),
    },
  },
  async func({ format, from, to, device, person }) {
    if (from !== undefined && to !== undefined && from > to) {
      throw new UsageError(`Cannot export from ${from} to ${to}: the first day is after the last`);
    }
    await withAgent(this, async (client) => {
      const found = pages(client, "/punches", { limit: PAGE_ROWS, from, to, device, person });
      const { stdout } = this.io;
      if (format === "csv") await writeCsv(stdout, found, COLUMNS);
      else await writeJson(stdout, found);
    });
  },
});

function flag<T>(
  parse: (text: string) => T,
  { brief, placeholder }: { brief: string; placeholder: string },
): {
  kind: "parsed";
  parse: (text: string) => T;
  brief: string;
  placeholder: string;
  optional: true;
} {
  return { kind: "parsed", parse, brief, placeholder, optional: true };
}

async function* pages(
  client: AgentClient,
  path: string,
  query: Query,
): AsyncGenerator<ExportRow[]> {
  let page = await client.page<ExportRow>(path, query);
  yield page.rows;
  while (page.next !== null) {
    page = await client.page<ExportRow>(page.next);
    yield page.rows;
  }
}

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

const add: Command<Context> = buildCommand<AddFlags, [string, string], Context>({
  docs: { brief: "Add a punch that is missing, with who adds it and why" },
  parameters: {
    flags: {
      ...author,
      direction: { kind: "enum", values: ["in", "out"], brief: "Entry or exit", optional: true },
      device: flag(String, { brief: "At this device", placeholder: "sn" }),
    },
    positional: {
      kind: "tuple",
      parameters: [
        { parse: String, brief: "The person's id", placeholder: "person" },
        {
          parse: String,
          brief: "When: 2026-03-02 17:30 in the devices' zone, or an instant",
          placeholder: "time",
        },
      ],
    },
  },
  async func({ by, reason, direction, device }, person, at) {
    const { punch_id, punched_at } = await correct(this, {
      kind: "add",
      person_id: person,
      at,
      ...(direction === undefined ? {} : { direction }),
      ...(device === undefined ? {} : { device_sn: device }),
      by,
      reason,
    });
    this.io.stdout.write(`Punch ${punch_id} of ${person} at ${punched_at} is added\n`);
  },
});

function decision(
  kind: "strike" | "restore",
  { brief, done }: { brief: string; done: string },
): Command<Context> {
  return buildCommand<Author, [string], Context>({
    docs: { brief },
    parameters: {
      flags: author,
      positional: {
        kind: "tuple",
        parameters: [{ parse: String, brief: "The punch's id", placeholder: "punch" }],
      },
    },
    async func({ by, reason }, punch) {
      const { person_id, punched_at } = await correct(this, {
        kind,
        punch_id: punch,
        by,
        reason,
      });
      this.io.stdout.write(`Punch of ${person_id} at ${punched_at} ${done}\n`);
    },
  });
}

async function correct(context: Context, body: unknown): Promise<Correction> {
  let made: Correction | undefined;
  await withAgent(context, async (client) => {
    made = await client.post<Correction>("/punches/corrections", body);
  });
  return made!;
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

const corrections: Command<Context> = buildCommand<
  Pick<Flags, "format" | "from" | "to" | "person">,
  [],
  Context
>({
  docs: { brief: "Print corrections as CSV or JSON, by the time of the punch, newest first" },
  parameters: {
    flags: {
      format: { kind: "enum", values: ["csv", "json"], brief: "How to print", default: "csv" },
      from: flag(day, { brief: "The first day of the punches", placeholder: "day" }),
      to: flag(day, { brief: "The last day", placeholder: "day" }),
      person: flag(String, { brief: "Only of this person", placeholder: "id" }),
    },
  },
  async func({ format, from, to, person }) {
    await withAgent(this, async (client) => {
      const found = pages(client, "/punches/corrections", { limit: 1_000, from, to, person });
      const { stdout } = this.io;
      if (format === "csv") await writeCsv(stdout, found, CORRECTION_COLUMNS);
      else await writeJson(stdout, found);
    });
  },
});

export const punches: RouteMap<Context> = buildRouteMap<
  "export" | "add" | "strike" | "restore" | "corrections",
  Context
>({
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
