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
});
export type Conflict = Readonly<v.InferOutput<typeof conflict>>;

/** What records add to `/status`. */
export const recordsStatus = v.object({
  waiting: v.pipe(v.number(), v.description("changes that wait for the cloud")),
  conflicts_24h: v.number(),
  realtime: v.pipe(
    v.nullable(v.boolean()),
    v.description("whether Realtime is connected; null where it is not wanted"),
  ),
});
export type RecordsStatus = Readonly<v.InferOutput<typeof recordsStatus>>;
