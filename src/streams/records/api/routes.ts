/** Records over HTTP. @module */
import * as v from "valibot";
import {
  idempotencyKey,
  instantText,
  type JsonObject,
  listing,
  pageQuery,
  Problem,
  reply,
  type Route,
  route,
  STORING,
  yesNo,
} from "../../../core/mod.ts";
import { record, type RecordTable, recordTable } from "../../../contract/records.ts";
import type { Store } from "../../../store/mod.ts";
import type { Changes } from "../changes.ts";
import { batchEdits, fields, idText, MAX_RECORD_BYTES } from "./fields.ts";
import { filterOf } from "./filter.ts";
import { RecordListing } from "./listing.ts";
import { flat, type FlatRecord } from "../record.ts";
import type { Rows } from "../rows.ts";

export interface RecordRoutesOptions {
  store: Store;
  rows: Rows;
  changes: Changes;
  tables: readonly string[];
  /** The tables as they are now. */
  shown: () => RecordTable[];
  /** Called after every committed change of this machine. */
  changed: (table: string, record: FlatRecord) => void;
}

const FILTER =
  "of each field the text that it must have: a string as it is, anything else as JSON " +
  "(`true`, `12`, `null`); a field that is not there is null";
const MISSING = { 404: "There is no such record." };

export function recordRoutes(options: RecordRoutesOptions): Route[] {
  const { store, rows, changes, tables, shown, changed } = options;
  const records = new RecordListing(store);
  const tableText = v.pipe(
    v.string(),
    v.check((name) => tables.includes(name), `expected one of ${tables.join(", ")}`),
    v.metadata({ description: "the table", examples: [...tables] }),
  );
  const inTable = v.object({ table: tableText });
  const ofRecord = v.object({ table: tableText, id: idText });
  const tag = "records";
  const path = "/records/{table}/{id}";
  const wanted = {
    ...pageQuery("after", v.string(), {
      limit: 100,
      max: 1_000,
      description: "after the record of this id",
    }),
    deleted: v.optional(
      v.pipe(yesNo(), v.description("whether those that are marked as deleted come too")),
      "false",
    ),
    changed_since: v.optional(v.pipe(
      instantText(),
      v.description("changed at this time or later, in the order of their changes"),
    )),
  };

  const announced = (table: string, written: FlatRecord) => {
    changed(table, written);
    return written;
  };

  return [
    route({
      method: "GET",
      path: "/records",
      summary: "The tables of records: how many there are, wait and are in conflict",
      tag,
      answer: v.array(recordTable),
      handle: shown,
    }),
    route({
      method: "GET",
      path: "/records/{table}",
      summary: "Records of a table, in the order of their ids",
      tag,
      params: inTable,
      query: v.objectWithRest(wanted, v.pipe(v.string("expected one text"), v.description(FILTER))),
      answer: v.array(record),
      paged: true,
      handle({ params: { table }, query: { limit, after, deleted, changed_since: since }, raw }) {
        const filter = filterOf(raw, Object.keys(wanted));
        return listing(raw, {
          limit,
          after: after === undefined ? undefined : { id: after, updatedAt: since ?? "" },
          read: records.reader(table, { deleted, since, filter }),
          next: ({ id, updatedAt }) =>
            since === undefined ? { after: id } : { changed_since: updatedAt, after: id },
        });
      },
    }),
    route({
      method: "POST",
      path: "/records/{table}",
      summary: "Make a record under an id of its own; harmless to repeat with Idempotency-Key",
      tag,
      params: inTable,
      body: fields,
      bodyLimit: MAX_RECORD_BYTES,
      problems: { ...STORING, 422: "The `Idempotency-Key` was used with other fields." },
      answer: record,
      also: { 201: "The record is new; `Location` is its path." },
      async handle({ params: { table }, body, raw }) {
        const key = idempotencyKey(raw);
        refuseOtherId(undefined, body);
        const made = await store.write(() => changes.create(table, body, { key }));
        if (!made.created) return reply(made.record);
        const location = `/records/${table}/${made.record.id}`;
        return reply(announced(table, made.record), { status: 201, headers: { location } });
      },
    }),
    route({
      method: "POST",
      path: "/records/{table}/batch",
      summary: "Put and delete records, in this order: all of it, or nothing",
      tag,
      params: inTable,
      body: batchEdits,
      bodyLimit: MAX_RECORD_BYTES,
      problems: {
        ...STORING,
        404: "A record to be deleted is not there (`index` names the edit); nothing was stored.",
      },
      answer: v.array(record),
      async handle({ params: { table }, body }) {
        const written = await store.write(() =>
          body.map((edit, index) => {
            try {
              return "put" in edit
                ? changes.put(table, edit.put.id, edit.put).record
                : changes.remove(table, edit.delete);
            } catch (error) {
              throw error instanceof Problem ? inBatch(error, index) : error;
            }
          })
        );
        for (const record of written) changed(table, record);
        return written;
      },
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
  ];
}

/** A body with another id is a mistake, not a rename. */
function refuseOtherId(id: string | undefined, body: JsonObject): void {
  if (body.id === undefined || body.id === id) return;
  const expected = id === undefined ? "none: PUT takes one" : `"${id}" as in the path, or none`;
  throw new Problem(400, "Invalid request", {
    detail: `body "id": expected ${expected}`,
    extra: { parameter: "id" },
  });
}

/** The problem with the index of the edit. */
function inBatch({ status, title, detail = "" }: Problem, index: number): Problem {
  return new Problem(status, title, {
    detail: `edit ${index}: ${detail}. Nothing was stored`,
    extra: { index },
  });
}
