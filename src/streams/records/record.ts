/** A record: as the API and the cloud have it (a flat object), and as its row. @module */
import type { Instant, Json, JsonObject } from "../../core/mod.ts";

/** The fields that every record has; the rest are the table's own. */
const MANAGED = ["id", "system_id", "updated_at", "deleted_at"] as const;

export interface RecordVersion {
  id: string;
  systemId: string;
  /** The table's own fields. */
  data: JsonObject;
  updatedAt: Instant;
  deletedAt: Instant | null;
}

/** A record as the API shows it and the cloud's columns have it. */
export type FlatRecord = JsonObject & {
  id: string;
  system_id: string;
  updated_at: Instant;
  deleted_at: Instant | null;
};

export function flat(version: RecordVersion): FlatRecord {
  const { id, systemId, data, updatedAt, deletedAt } = version;
  return { ...data, id, system_id: systemId, updated_at: updatedAt, deleted_at: deletedAt };
}

/** The table's own fields of a flat object. */
export function ownFields(object: Readonly<Record<string, unknown>>): JsonObject {
  // By entries: an assignment to `__proto__` makes no field. The values came as JSON.
  return Object.fromEntries(
    Object.entries(object)
      .filter(([name]) => !(MANAGED as readonly string[]).includes(name)),
  ) as JsonObject;
}

/** Whether two values are equal, with keys in any order: a JSONB column does not keep it. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length &&
      a.every((item, index) => sameJson(item, b[index]));
  }
  const left = a as JsonObject;
  const right = b as JsonObject;
  const names = Object.keys(left);
  return names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && sameJson(left[name], right[name]));
}
