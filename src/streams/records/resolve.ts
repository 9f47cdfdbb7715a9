/**
 * What becomes of a row that the cloud sends: the pure decision, by the rule that the last write wins.
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
 * ¹ Not newer than ours, with all that ours says: our own push, with the cloud's defaults for what it did not
 *   name, and perhaps a stamp that the cloud put right.
 *
 * @module
 */
import type { ConflictKind } from "../../contract/records.ts";
import { type RecordVersion, sameJson } from "./record.ts";

export interface LocalRecord extends RecordVersion {
  /** Whether a change of this record waits to be pushed. */
  pending: boolean;
  /** The stamp of the cloud's version as it was last seen, `null` when it never was. */
  remoteUpdatedAt: string | null;
  /** Whether a reset left it to the cloud's word, which has not come yet. */
  forgotten?: boolean;
}

export interface Resolution {
  /**
   * - `same`: nothing to do but to remember the cloud's version
   * - `apply`: the cloud's version becomes ours, and what was pending is dropped
   * - `keep`: ours stays and its change is pushed as it waits
   * - `push`: ours stays and has to be pushed with a stamp newer than the cloud's
   */
  action: "same" | "apply" | "keep" | "push";
  /** Both sides had changed the record. */
  conflict?: { kind: ConflictKind; winner: "local" | "remote" };
}

/** Decides between this machine's version of a record and the cloud's. */
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
 * Decides about a change that was pushed and not taken, by the version that the cloud kept. Sent again as it is, it
 * would be refused again.
 */
export function afterRefusal(local: LocalRecord, remote: RecordVersion): Resolution {
  const resolution = resolve(local, remote);
  const same = sameContent(local, remote) || isEcho(local, remote);
  const again = resolution.action === "keep" || (resolution.action === "same" && !same);
  return again ? { ...resolution, action: "push" } : resolution;
}

/** Whether two versions say the same. */
export function sameContent(local: RecordVersion, remote: RecordVersion): boolean {
  return (local.deletedAt === null) === (remote.deletedAt === null) &&
    // Two tombstones are the same, whatever the record was when it died.
    (local.deletedAt !== null || sameJson(local.data, remote.data));
}

/** Whether the cloud's version is ours as it came back. */
export function isEcho(local: RecordVersion, remote: RecordVersion): boolean {
  return remote.updatedAt <= local.updatedAt && local.deletedAt === null &&
    remote.deletedAt === null &&
    Object.entries(local.data).every(([name, value]) => sameJson(value, remote.data[name]));
}

/** What was done here, and what was done there. */
function kindOf(local: RecordVersion, remote: RecordVersion): ConflictKind {
  if (local.deletedAt !== null && remote.deletedAt === null) return "delete/edit";
  return remote.deletedAt === null ? "edit/edit" : "edit/delete";
}
