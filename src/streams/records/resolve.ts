/**
 * Decides between this machine's version of a record and the cloud's: the last write wins.
 *
 *     cloud says        nothing pending here     an edit is pending          a deletion is pending
 *     ───────────────   ──────────────────────   ─────────────────────────   ─────────────────────────────
 *     the same          same                     same (the push had come)    same
 *     ours and more¹    same                     same (the push had come)    same
 *     no news           same                     same                        same
 *     newer             apply                    apply, conflict             apply: an edit brings it back
 *     same stamp        push again, conflict     push again, conflict        apply: an edit brings it back
 *     older             push, conflict           keep, conflict              apply: an edit brings it back
 *
 * ¹ Not newer than ours, with all of its fields: our own push, with the cloud's defaults for other fields and perhaps a
 *   corrected stamp.
 *
 * @module
 */
import type { ConflictKind } from "../../contract/records.ts";
import { type RecordVersion, sameJson } from "./record.ts";

export interface LocalRecord extends RecordVersion {
  /** Whether a change of this record waits to be pushed. */
  pending: boolean;
  /** Stamp of the cloud's last seen version; null: never seen. */
  remoteUpdatedAt: string | null;
  /** Whether a reset left it to the cloud, whose version has not come yet. */
  forgotten?: boolean;
}

export interface Resolution {
  /**
   * - `same`: only the cloud's version is noted
   * - `apply`: the cloud's version becomes ours, and what was pending is dropped
   * - `keep`: ours stays and its change is pushed as it waits
   * - `push`: ours stays and is pushed with a stamp newer than the cloud's
   */
  action: "same" | "apply" | "keep" | "push";
  /** Both sides had changed the record. */
  conflict?: { kind: ConflictKind; winner: "local" | "remote" };
}

export function resolve(local: LocalRecord | undefined, remote: RecordVersion): Resolution {
  if (!local) return { action: "apply" };
  if (sameContent(local, remote) || isEcho(local, remote)) return { action: "same" };
  if (local.forgotten && !local.pending) return { action: "apply" };
  if (remote.updatedAt === local.remoteUpdatedAt) return { action: "same" };

  const newer = remote.updatedAt > local.updatedAt;
  if (!local.pending) {
    if (newer) return { action: "apply" };
    return { action: "push", conflict: { kind: kindOf(local, remote), winner: "local" } };
  }
  const kind = kindOf(local, remote);
  if (newer || kind === "delete/edit") {
    return { action: "apply", conflict: { kind, winner: "remote" } };
  }
  const equal = remote.updatedAt === local.updatedAt;
  return { action: equal ? "push" : "keep", conflict: { kind, winner: "local" } };
}

/**
 * Decides after the cloud refused a pushed change, by the version that it kept. The same change would be refused again.
 */
export function afterRefusal(local: LocalRecord, remote: RecordVersion): Resolution {
  const resolution = resolve(local, remote);
  const same = sameContent(local, remote) || isEcho(local, remote);
  const again = resolution.action === "keep" || (resolution.action === "same" && !same);
  return again ? { ...resolution, action: "push" } : resolution;
}

/** Whether two versions have the same content. */
export function sameContent(local: RecordVersion, remote: RecordVersion): boolean {
  return (local.deletedAt === null) === (remote.deletedAt === null) &&
    // Two tombstones are equal, with any data.
    (local.deletedAt !== null || sameJson(local.data, remote.data));
}

/** Whether the cloud's version is ours as it came back. */
export function isEcho(local: RecordVersion, remote: RecordVersion): boolean {
  return remote.updatedAt <= local.updatedAt && local.deletedAt === null &&
    remote.deletedAt === null &&
    Object.entries(local.data).every(([name, value]) => sameJson(value, remote.data[name]));
}

/** The change here and the change in the cloud. */
function kindOf(local: RecordVersion, remote: RecordVersion): ConflictKind {
  if (local.deletedAt !== null && remote.deletedAt === null) return "delete/edit";
  return remote.deletedAt === null ? "edit/edit" : "edit/delete";
}
