/** What a list of people says of each: its columns are known by their headings. @module */
import { isPersonId } from "../storage/parsed.ts";
import type { PersonChange } from "../storage/people.ts";
import { personName } from "../storage/person_name.ts";
import { type CsvRecord, readCsv } from "./csv.ts";

export interface Listed {
  line: number;
  personId: string;
  change: PersonChange;
}

export interface ListProblem {
  line: number;
  message: string;
}

/** The list has no column with ids. */
export class NoIds extends Error {
  override readonly name = "NoIds";
}

type Column = "person_id" | "name" | "department" | "active" | "aliases";

/** Headings in small letters, without anything but letters and digits. */
const HEADINGS: Readonly<Record<Column, readonly string[]>> = {
  person_id: [
    ..."personid id pin enrollid userid employeeid employeecode employeenumber employeeno".split(
      " ",
    ),
    ..."empid empcode empno staffid staffno badgenumber badge acno number no code".split(" "),
  ],
  name: "name fullname personname employeename username displayname empname".split(" "),
  department: "department departmentname dept deptname team group".split(" "),
  active: "active isactive enabled status".split(" "),
  aliases: "aliases alias otherids".split(" "),
};

const YES = new Set("yes y true 1 active enabled".split(" "));
const NO = new Set("no n false 0 inactive disabled left".split(" "));

/**
 * Reads a list; a cell that is empty says nothing.
 * @throws {NoIds}
 */
export function* readList(text: string): Generator<Listed | ListProblem> {
  const lineOf = new Map<string, number>();
  let columns: Map<Column, number> | undefined;
  for (const record of readCsv(text)) {
    if (!columns) {
      columns = columnsOf(record);
      continue;
    }
    const listed = "cells" in record ? readCells(record, columns) : record;
    if (!("message" in listed)) {
      const ids = [listed.personId, ...listed.change.aliases ?? []];
      const twice = ids.find((id) => lineOf.has(id));
      if (twice !== undefined) {
        const message = `"${shown(twice)}" stands in line ${lineOf.get(twice)} already`;
        yield { line: record.line, message };
        continue;
      }
      for (const id of ids) lineOf.set(id, record.line);
    }
    yield listed;
  }
  if (!columns) throw new NoIds("it is empty");
}

function columnsOf(record: CsvRecord): Map<Column, number> {
  const headings = "cells" in record
    ? record.cells.map((cell) => cell.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, ""))
    : [];
  const columns = new Map<Column, number>();
  for (const [column, names] of Object.entries(HEADINGS) as [Column, readonly string[]][]) {
    // The first of the names that is there: a list may have an id and a number.
    const found = names.map((name) => headings.indexOf(name)).find((at) => at >= 0);
    if (found !== undefined) columns.set(column, found);
  }
  if (!columns.has("person_id")) {
    throw new NoIds(
      "no column is headed person_id (or id, pin, enrollid, employee code, …): the first line has to hold the headings",
    );
  }
  return columns;
}

function readCells(
  { line, cells }: { line: number; cells: string[] },
  columns: Map<Column, number>,
): Listed | ListProblem {
  const cell = (column: Column): string | undefined => {
    const at = columns.get(column);
    // The apostrophe that keeps a spreadsheet from taking text for a formula.
    return at === undefined ? undefined : cells[at]?.replace(/^'(?=[=+\-@])/, "") || undefined;
  };
  const personId = cell("person_id") ?? "";
  if (personId === "") return { line, message: "it has no id" };
  const aliases = cell("aliases")?.split(/[\s,;|]+/).filter((alias) => alias !== "");
  const bad = [personId, ...aliases ?? []].find((id) => !isPersonId(id));
  if (bad !== undefined) return { line, message: `"${shown(bad)}" is no id` };
  const active = cell("active")?.toLowerCase();
  if (active !== undefined && !YES.has(active) && !NO.has(active)) {
    return { line, message: `"${shown(active)}" is neither yes nor no` };
  }
  const words = (column: Column) => personName(cell(column)) ?? undefined;
  return {
    line,
    personId,
    change: {
      name: words("name"),
      department: words("department"),
      active: active === undefined ? undefined : YES.has(active),
      aliases,
    },
  };
}

function shown(text: string): string {
  return personName(text.slice(0, 64)) ?? "";
}
