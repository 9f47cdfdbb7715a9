/** `clockblock punches export`: what the attendance devices recorded, for a spreadsheet or a program. @module */
import { buildCommand, buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import type { Day } from "../../../core/mod.ts";
import type { AgentClient, Query } from "../../client.ts";
import type { Context } from "../../context.ts";
import { UsageError } from "../../exit.ts";
import { type Row, writeCsv, writeJson } from "../../rows.ts";
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
      const found = pages(client, { limit: PAGE_ROWS, from, to, device, person });
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

async function* pages(client: AgentClient, query: Query): AsyncGenerator<Row[]> {
  let page = await client.page<Row>("/punches", query);
  yield page.rows;
  while (page.next !== null) {
    page = await client.page<Row>(page.next);
    yield page.rows;
  }
}

export const punches: RouteMap<Context> = buildRouteMap<"export", Context>({
  routes: { export: exportPunches },
  docs: { brief: "Punches of the attendance devices: print them as CSV or JSON" },
});
