/** Records over the wire: a record of any table, conflicts, and what the stream adds to `/status`. @module */
import * as v from "valibot";

const instant = v.string();

/** The fields of every record; the rest are the table's own. */
export const record = v.looseObject({
  id: v.string(),
  system_id: v.string(),
  updated_at: instant,
  deleted_at: v.nullable(instant),
});

const kind = v.picklist(["edit/edit", "delete/edit", "edit/delete"]);
/** What was done here, and what was done in the cloud. */
export type ConflictKind = v.InferOutput<typeof kind>;

export const conflict = v.object({
  id: v.number(),
  at: instant,
  table: v.string(),
  record_id: v.string(),
  kind: v.pipe(kind, v.description("what was done here, and what was done in the cloud")),
  winner: v.picklist(["local", "remote"]),
  local_updated_at: instant,
  remote_updated_at: instant,
  local: v.record(v.string(), v.unknown()),
  remote: v.record(v.string(), v.unknown()),
  seen: v.pipe(v.boolean(), v.description("whether a person has marked it as seen")),
});
export type Conflict = Readonly<v.InferOutput<typeof conflict>>;

/** How many conflicts `POST /sync/conflicts/seen` has marked. */
export const seenConflicts = v.object({ seen: v.number() });

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** A table of records. */
export const recordTable = v.object({
  name: v.string(),
  key: v.pipe(v.string(), v.description("the cloud's column of the id, which is `id` here")),
  rows: v.pipe(count, v.description("records that are not deleted")),
  waiting: v.pipe(
    count,
    v.description("changes that wait for the cloud; 10,000 of all tables are counted at most"),
  ),
  conflicts: v.pipe(count, v.description("conflicts that nobody has seen")),
  changed_at: v.pipe(
    v.nullable(instant),
    v.description("the latest change, a deletion included; null in an empty table"),
  ),
});
export type RecordTable = Readonly<v.InferOutput<typeof recordTable>>;

/** What records add to `/status`. */
export const recordsStatus = v.object({
  waiting: v.pipe(v.number(), v.description("changes that wait for the cloud")),
  conflicts_24h: v.number(),
  conflicts_unseen: v.pipe(v.number(), v.description("conflicts that nobody has marked as seen")),
  realtime: v.pipe(
    v.nullable(v.boolean()),
    v.description("whether Realtime is connected; null where it is not wanted"),
  ),
  realtime_since: v.pipe(
    v.nullable(instant),
    v.description("since when Realtime is connected, or is not; null where it is not wanted"),
  ),
});
export type RecordsStatus = Readonly<v.InferOutput<typeof recordsStatus>>;
