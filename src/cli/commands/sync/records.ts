/** `clockblock records list|get|put|delete`: rows that this machine and the cloud both edit. @module */
import { buildCommand, buildRouteMap, type RouteMap } from "@stricli/core";
import type { RecordTable } from "../../../contract/records.ts";
import { parseLossless } from "../../../core/mod.ts";
import type { Context } from "../../context.ts";
import { UsageError } from "../../exit.ts";
import { argument, jsonFlag, switchFlag, textFlag } from "../../flags.ts";
import type { Io } from "../../io.ts";
import { jsonLines, jsonText, writeList } from "../../rows.ts";
import { withAgent } from "../../session.ts";
import { columns, count, harmless, type Painter } from "../../terminal.ts";
import { agentCommand, type Asked } from "../agent_command.ts";

type RecordRow = Readonly<Record<string, unknown>> & { id: string; updated_at: string };

const PAGE_ROWS = 1_000;
/** Characters of a record's fields; `--json` has all of them. */
const MAX_SHOWN = 100;

const table = argument("The table, as records list shows it", "table");
const id = argument("The record's id", "id");

interface ListFlags {
  changedSince?: string;
  deleted: boolean;
  json: boolean;
}

const list = agentCommand<ListFlags, string[]>({
  brief: "Show the tables, or the records of one",
  fullDescription:
    "With a table, shows its records; with field=value behind it, those with these values: " +
    "clockblock records list tasks done=false. A text is compared as it is, anything else as JSON.",
  flags: {
    changedSince: textFlag(
      "Only what was changed at this time or later, in the order of changes",
      "time",
    ),
    deleted: switchFlag("Also records that are marked as deleted"),
    json: { ...jsonFlag, brief: "Print a line of JSON for each, for scripts" },
  },
  positional: {
    kind: "array",
    parameter: argument("A table, then what its records must have", "table field=value"),
  },
  async run(asked, { changedSince, deleted, json }, name, ...wanted) {
    if (name === undefined) return await writeTables(asked, json);
    const query = new URLSearchParams([
      ["limit", String(PAGE_ROWS)],
      ...(changedSince === undefined ? [] : [["changed_since", changedSince]]),
      ...(deleted ? [["deleted", "true"]] : []),
      ...wanted.map(fieldAndValue),
    ]);
    await writeList(asked.stdout, asked.client.pages<RecordRow>(`${pathOf(name)}?${query}`), {
      json,
      row: (record) => line(record, asked.paint),
      none: "No record",
    });
  },
});

async function writeTables({ client, stdout, paint }: Asked, json: boolean): Promise<void> {
  const tables = await client.get<RecordTable[]>("/records");
  stdout.write(
    json
      ? jsonLines(tables)
      : columns(tables.map(({ name, rows, waiting, conflicts, changed_at }) => [
        name,
        `${count(rows)} ${rows === 1 ? "record" : "records"}`,
        waiting === 0 ? "" : `${count(waiting)} waiting`,
        conflicts === 0 ? "" : paint("yellow", `${count(conflicts)} in conflict`),
        paint("dim", changed_at ?? "empty"),
      ])),
  );
}

function line(
  { id, updated_at, system_id: _, deleted_at, ...fields }: RecordRow,
  paint: Painter,
): string[] {
  const text = harmless(JSON.stringify(fields));
  const short = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return [id, paint("dim", updated_at), `${deleted_at === null ? "" : "deleted "}${short}`];
}

function fieldAndValue(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new UsageError(`Cannot filter by "${text}": expected field=value, such as done=false`);
}

const get = agentCommand<NonNullable<unknown>, [string, string]>({
  brief: "Print a record as JSON",
  positional: { kind: "tuple", parameters: [table, id] },
  async run({ client, stdout }, _flags, table, id) {
    stdout.write(jsonText(await client.get(pathOf(table, id))));
  },
});

const put = buildCommand<{ json: boolean }, [string, string, string?], Context>({
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
        ...argument("Its fields (default: standard input)", "json"),
        optional: true,
      }],
    },
  },
  async func({ json }, table, id, text) {
    const fields = await fieldsOf(text, this.io);
    await withAgent(this, async (client) => {
      const record = await client.put<RecordRow>(pathOf(table, id), fields);
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

const remove = agentCommand<NonNullable<unknown>, [string, string]>({
  brief: "Mark a record as deleted, here and in the cloud",
  positional: { kind: "tuple", parameters: [table, id] },
  async run({ client, stdout }, _flags, table, id) {
    await client.delete(pathOf(table, id));
    stdout.write(`${table} ${id} is deleted\n`);
  },
});

function pathOf(...parts: readonly string[]): string {
  return `/records/${parts.map(encodeURIComponent).join("/")}`;
}

export const recordsCommand: RouteMap<Context> = buildRouteMap({
  routes: { list, get, put, delete: remove },
  docs: { brief: "Rows that this machine and the cloud both edit: list, get, put, delete" },
});
