/** `clockblock records list|get|put|delete`: rows that this machine and the cloud both edit. @module */
import { buildCommand, buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import type { RecordTable } from "../../../contract/records.ts";
import { parseLossless } from "../../../core/mod.ts";
import type { AgentClient } from "../../client.ts";
import type { Context } from "../../context.ts";
import { UsageError } from "../../exit.ts";
import { jsonFlag } from "../../flags.ts";
import type { Io, Output } from "../../io.ts";
import { withAgent } from "../../session.ts";
import { columns, count, harmless, painter } from "../../terminal.ts";

type FlatRecord = Readonly<Record<string, unknown>> & { id: string; updated_at: string };

const PAGE_ROWS = 1_000;
/** Characters of a record's fields; `--json` has all of them. */
const MAX_SHOWN = 100;

const positional = (brief: string, placeholder: string) => ({ parse: String, brief, placeholder });
const table = positional("The table, as records list shows it", "table");
const id = positional("The record's id", "id");

interface ListFlags {
  changedSince?: string;
  deleted: boolean;
  json: boolean;
}

const list: Command<Context> = buildCommand<ListFlags, string[], Context>({
  docs: {
    brief: "Show the tables, or the records of one",
    fullDescription:
      "With a table, shows its records; with field=value behind it, those with these values: " +
      "clockblock records list tasks done=false. A text is compared as it is, anything else as JSON.",
  },
  parameters: {
    flags: {
      changedSince: {
        kind: "parsed",
        parse: String,
        brief: "Only what was changed at this time or later, in the order of changes",
        placeholder: "time",
        optional: true,
      },
      deleted: {
        kind: "boolean",
        brief: "Also records that are marked as deleted",
        default: false,
        withNegated: false,
      },
      json: { ...jsonFlag, brief: "Print a line of JSON for each, for scripts" },
    },
    positional: {
      kind: "array",
      parameter: positional("A table, then what its records must have", "table field=value"),
    },
  },
  async func({ changedSince, deleted, json }, name, ...wanted) {
    const { stdout } = this.io;
    await withAgent(this, async (client) => {
      if (name === undefined) return writeTables(stdout, client, json);
      const query = new URLSearchParams([
        ["limit", String(PAGE_ROWS)],
        ...(changedSince === undefined ? [] : [["changed_since", changedSince]]),
        ...(deleted ? [["deleted", "true"]] : []),
        ...wanted.map(fieldAndValue),
      ]);
      let rows = 0;
      let path: string | null = `${pathOf(name)}?${query}`;
      while (path !== null) {
        const page: { rows: FlatRecord[]; next: string | null } = await client.page(path);
        rows += page.rows.length;
        path = page.next;
        stdout.write(
          json
            ? page.rows.map((row) => `${JSON.stringify(row)}\n`).join("")
            : columns(page.rows.map((row) => line(row, stdout))),
        );
      }
      if (rows === 0 && !json) stdout.write("No record\n");
    });
  },
});

async function writeTables(stdout: Output, client: AgentClient, json: boolean): Promise<void> {
  const tables = await client.get<RecordTable[]>("/records");
  const paint = painter(stdout);
  stdout.write(
    json
      ? tables.map((each) => `${JSON.stringify(each)}\n`).join("")
      : columns(tables.map(({ name, rows, waiting, conflicts, changed_at }) => [
        name,
        `${count(rows)} ${rows === 1 ? "record" : "records"}`,
        waiting === 0 ? "" : `${count(waiting)} waiting`,
        conflicts === 0 ? "" : paint("yellow", `${count(conflicts)} in conflict`),
        paint("dim", changed_at ?? "empty"),
      ])),
  );
}

function line({ id, updated_at, system_id: _, deleted_at, ...fields }: FlatRecord, output: Output) {
  const paint = painter(output);
  const text = harmless(JSON.stringify(fields));
  return [
    id,
    paint("dim", updated_at),
    `${deleted_at === null ? "" : "deleted "}${
      text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
    }`,
  ];
}

function fieldAndValue(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new UsageError(`Cannot filter by "${text}": expected field=value, such as done=false`);
}

const get: Command<Context> = buildCommand<Record<never, never>, [string, string], Context>({
  docs: { brief: "Print a record as JSON" },
  parameters: { positional: { kind: "tuple", parameters: [table, id] } },
  async func(_flags, table, id) {
    await withAgent(this, async (client) => {
      const record = await client.get<FlatRecord>(pathOf(table, id));
      this.io.stdout.write(`${JSON.stringify(record, null, 2)}\n`);
    });
  },
});

const put: Command<Context> = buildCommand<{ json: boolean }, [string, string, string?], Context>({
  docs: {
    brief: "Make a record what is given, whether it was there or not",
    fullDescription:
      `Takes the fields as a JSON object: clockblock records put tasks t-1 '{"title":"Paint"}', ` +
      "or from standard input.",
  },
  parameters: {
    flags: { json: { ...jsonFlag, brief: "Print the record as it is stored" } },
    positional: {
      kind: "tuple",
      parameters: [table, id, {
        ...positional("Its fields (default: standard input)", "json"),
        optional: true,
      }],
    },
  },
  async func({ json }, table, id, text) {
    const fields = await fieldsOf(text, this.io);
    await withAgent(this, async (client) => {
      const record = await client.put<FlatRecord>(pathOf(table, id), fields);
      this.io.stdout.write(json ? `${JSON.stringify(record)}\n` : `${table} ${id} is stored\n`);
    });
  },
});

/** @throws {UsageError} when the text is not JSON */
async function fieldsOf(text: string | undefined, { input }: Io): Promise<unknown> {
  const given = text ?? await new Response(input()).text();
  try {
    return parseLossless(given);
  } catch {
    throw new UsageError("Cannot store the record: its fields are not JSON. See --help");
  }
}

const remove: Command<Context> = buildCommand<Record<never, never>, [string, string], Context>({
  docs: { brief: "Mark a record as deleted, here and in the cloud" },
  parameters: { positional: { kind: "tuple", parameters: [table, id] } },
  async func(_flags, table, id) {
    await withAgent(this, async (client) => {
      await client.delete(pathOf(table, id));
      this.io.stdout.write(`${table} ${id} is deleted\n`);
    });
  },
});

function pathOf(...parts: readonly string[]): string {
  return `/records/${parts.map(encodeURIComponent).join("/")}`;
}

export const records: RouteMap<Context> = buildRouteMap<"list" | "get" | "put" | "delete", Context>(
  {
    routes: { list, get, put, delete: remove },
    docs: { brief: "Rows that this machine and the cloud both edit: list, get, put, delete" },
  },
);
