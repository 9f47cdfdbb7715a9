/** Schemas of a record's id and fields in requests. @module */
import * as v from "valibot";
import { isJsonObject, isTooDeep, type JsonObject, MAX_DEPTH } from "../../../core/mod.ts";

/** Limit of a row in the cloud (Realtime, PostgREST). */
export const MAX_RECORD_BYTES = 1 << 20;

export const idText = v.pipe(
  v.string("expected a record's id"),
  v.regex(/^[^\p{Cc}]{1,200}$/u, "expected 1 to 200 characters without control characters"),
  v.description("the record's id"),
);
/** Columns of a table in PostgreSQL. */
const MAX_FIELDS = 1_600;

export const fields = v.pipe(
  v.unknown(),
  v.check(isJsonObject, "expected an object with the record's fields"),
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

/** Edits of one request: one transaction, which holds the event loop for about 50 µs per edit. */
export const MAX_EDITS = 500;

const edit = v.union([
  v.strictObject({
    put: v.pipe(
      fields,
      // Its id is checked next.
      v.transform((object) => object as JsonObject & { id: string }),
      v.check(({ id }) => v.is(idText, id), 'expected fields with an "id" of 1 to 200 characters'),
    ),
  }),
  v.strictObject({ delete: idText }),
], 'expected { "put": { "id", … } } or { "delete": "<id>" }');

const object = (properties: JsonObject) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

export const batchEdits = v.pipe(
  // The length is checked before the elements are parsed. The metadata stands before the transformation.
  v.array(v.unknown(), "expected a list of edits"),
  v.minLength(1, "expected an edit"),
  v.maxLength(MAX_EDITS, `expected at most ${MAX_EDITS} edits`),
  v.metadata({
    description: "edits: `put` makes a record what is given, `delete` marks it as deleted",
    examples: [[{ put: { id: "t-2", title: "Paint the fence" } }, { delete: "t-3" }]],
    items: {
      anyOf: [
        object({ put: { type: "object", additionalProperties: true, required: ["id"] } }),
        object({ delete: { type: "string" } }),
      ],
    },
  }),
  v.array(edit),
);
