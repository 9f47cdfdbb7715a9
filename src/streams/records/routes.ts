/**
 * Records over HTTP, and the conflicts to read.
 * @module
 */
import * as v from "valibot";
import {
  entryNumber,
  isTooDeep,
  type JsonObject,
  listing,
  MAX_DEPTH,
  pageQuery,
  Problem,
  reply,
  type Route,
  route,
  STORING,
  yesNo,
} from "../../core/mod.ts";
import { conflict, record } from "../../contract/records.ts";
import type { Store } from "../../store/mod.ts";
import type { Changes } from "./changes.ts";
import type { Conflicts } from "./conflicts.ts";
import { flat, type FlatRecord } from "./record.ts";
import type { Rows } from "./rows.ts";

export interface RecordRoutesOptions {
  store: Store;
  rows: Rows;
  changes: Changes;
  conflicts: Conflicts;
  tables: readonly string[];
  /** Called after every committed change of this machine. */
  changed: (table: string, record: FlatRecord) => void;
}

/** As large as a row may be in the cloud: Realtime and PostgREST take no more. */
const MAX_RECORD_BYTES = 1 << 20;

const idText = v.pipe(
  v.string("expected a record's id"),
  v.regex(/^[^\p{Cc}]{1,200}$/u, "expected 1 to 200 characters without control characters"),
  v.description("the record's id"),
);
/** As many as a table of PostgreSQL may have columns. */
const MAX_FIELDS = 1_600;

const fields = v.pipe(
  v.unknown(),
  v.check(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    "expected an object with the record's fields",
  ),
  v.metadata({
    type: "object",
    additionalProperties: true,
    description: "the record's fields, named as the cloud's columns are",
    examples: [{ title: "Paint the fence", done: false, project_id: "p-1" }],
  }),
  // Checked just now; it came as JSON.
  v.transform((value) => value as JsonObject),
  v.check(
    (object) => Object.keys(object).length <= MAX_FIELDS,
    `expected at most ${MAX_FIELDS} fields`,
  ),
  v.check(
    (object) =>
      Object.keys(object).every((name) => name !== "" && name.length <= 63 && name !== "__proto__"),
    "expected names of 1 to 63 characters, as a database's columns have them, and not __proto__",
  ),
  v.check((object) => !isTooDeep(object), `expected at most ${MAX_DEPTH} levels`),
);
const MISSING = { 404: "There is no such record." };

export function recordRoutes(options: RecordRoutesOptions): Route[] {
  const { store, rows, changes, conflicts, tables, changed } = options;
  const tableText = v.pipe(
    v.string(),
    v.check((name) => tables.includes(name), `expected one of ${tables.join(", ")}`),
    v.metadata({ description: "the table", examples: [...tables] }),
  );
  const inTable = v.object({ table: tableText });
  const ofRecord = v.object({ table: tableText, id: idText });
  const tag = "records";
  const path = "/records/{table}/{id}";

  const announced = (table: string, written: FlatRecord) => {
    changed(table, written);
    return written;
  };

  return [
    route({
      method: "GET",
      path: "/records/{table}",
      summary: "Records of a table, in the order of their ids",
      tag,
      params: inTable,
      query: v.strictObject({
        ...pageQuery("after", v.string(), {
          limit: 100,
          max: 1_000,
          description: "after the record of this id",
        }),
        deleted: v.optional(
          v.pipe(yesNo(), v.description("whether those that are marked as deleted come too")),
          "false",
        ),
      }),
      answer: v.array(record),
      paged: true,
      handle: ({ params: { table }, query: { limit, after, deleted }, raw }) =>
        listing(raw, {
          limit,
          after,
          read: ({ after = "", until }) => rows.shown(table, { after, until, deleted }),
          next: (after) => ({ after }),
        }),
    }),
    route({
      method: "GET",
      path,
      summary: "One record",
      tag,
      params: ofRecord,
      problems: MISSING,
      answer: record,
      handle({ params: { table, id } }) {
        const found = rows.find(table, id);
        if (found && found.deletedAt === null) return flat(found);
        throw new Problem(404, "No such record", { detail: `${table} has no record "${id}"` });
      },
    }),
    route({
      method: "PUT",
      path,
      summary: "Make the record what is given",
      tag,
      params: ofRecord,
      body: fields,
      bodyLimit: MAX_RECORD_BYTES,
      problems: STORING,
      answer: record,
      also: { 201: "The record is new." },
      async handle({ params: { table, id }, body }) {
        refuseOtherId(id, body);
        const put = await store.write(() => changes.put(table, id, body));
        return reply(announced(table, put.record), { status: put.created ? 201 : 200 });
      },
    }),
    route({
      method: "PATCH",
      path,
      summary: "Change some of the record's fields",
      tag,
      params: ofRecord,
      body: fields,
      bodyLimit: MAX_RECORD_BYTES,
      problems: { ...STORING, ...MISSING },
      answer: record,
      async handle({ params: { table, id }, body }) {
        refuseOtherId(id, body);
        return announced(table, await store.write(() => changes.patch(table, id, body)));
      },
    }),
    route({
      method: "DELETE",
      path,
      summary: "Mark the record as deleted",
      tag,
      params: ofRecord,
      problems: { ...STORING, ...MISSING },
      answer: record,
      async handle({ params: { table, id } }) {
        return announced(table, await store.write(() => changes.remove(table, id)));
      },
    }),
    route({
      method: "GET",
      path: "/sync/conflicts",
      summary: "Records that both sides had changed, newest first",
      tag: "sync",
      query: v.strictObject(
        pageQuery("before", entryNumber(), {
          limit: 100,
          max: 1_000,
          description: "before the conflict of this id",
        }),
      ),
      answer: v.array(conflict),
      paged: true,
      handle: ({ query: { limit, before }, raw }) =>
        listing(raw, {
          limit,
          after: before,
          read: ({ after, until }) => conflicts.shown({ before: after, from: until }),
          next: (before) => ({ before }),
        }),
    }),
  ];
}

/** A body that was read from another record is a mistake, not a wish to rename. */
function refuseOtherId(id: string, body: JsonObject): void {
  if (body.id === undefined || body.id === id) return;
  throw new Problem(400, "Invalid request", {
    detail: `body "id": expected "${id}" as in the path, or none`,
    extra: { parameter: "id" },
  });
}
