/**
 * Devices that nobody has decided about: how many are listed, and how people learn that they wait.
 * @module
 */
import type { Warnings } from "../../../core/mod.ts";
import type { Device } from "./device.ts";

/** The warning that no more of them are listed. */
const TOO_MANY = "attendance.strangers";
/** More devices than this waiting for approval are an attack or a mistake. */
const MAX_PENDING = 64;
/** A stranger not heard for this long makes room for another. */
const STRANGER_MS = 60 * 60_000;

/**
 * Who makes room for one more at this address: undefined while there is some; one that was not heard lately, else
 * one of the address that has most of the list; `"nobody"` when that is the newcomer's own.
 */
export function toEvict(
  devices: Iterable<Device>,
  { now, address }: { now: number; address: string },
): Device | "nobody" | undefined {
  const strangers = [...devices]
    .filter(({ approval }) => approval === "pending" || approval === "unsupported");
  if (strangers.length < MAX_PENDING) return undefined;
  strangers.sort((a, b) => (a.lastSeenMs ?? 0) - (b.lastSeenMs ?? 0));
  const oldest = strangers[0]!;
  // One that was heard in the future was heard before the clock was set back.
  if (Math.abs(now - (oldest.lastSeenMs ?? 0)) >= STRANGER_MS) return oldest;
  const byAddress = Map.groupBy(strangers, (stranger) => stranger.address);
  const most = [...byAddress.values()].reduce((a, b) => b.length > a.length ? b : a);
  const own = byAddress.get(address)?.length ?? 0;
  return most.length > own + 1 ? most[0]! : "nobody";
}

/** Warns that there is no room for one more. */
export function warnListFull(warnings: Warnings): void {
  warnings.raise(
    TOO_MANY,
    "Too many unknown devices have called: no more are listed. " +
      "Approve or refuse those that wait, and look who is on the network",
  );
}

/** Warns of those that wait for approval, and no longer when none does. */
export function warnOfPending(devices: Iterable<Device>, warnings: Warnings): void {
  const waiting = [...devices].filter(({ approval }) => approval === "pending");
  if (waiting.length < MAX_PENDING) warnings.clear(TOO_MANY);
  if (waiting.length === 0) return warnings.clear("attendance.pending");
  const serials = waiting.slice(0, 5).map(({ sn }) => sn).join(", ");
  const more = waiting.length > 5 ? ", …" : "";
  warnings.raise(
    "attendance.pending",
    waiting.length === 1
      ? `Device ${serials} waits for approval, nothing it sends is stored before. ` +
        `Approve it on the dashboard or with \`clockblock devices approve ${serials}\``
      : `${waiting.length} devices wait for approval, nothing they send is stored before: ${serials}${more}. ` +
        "Approve them on the dashboard or with `clockblock devices approve`",
  );
}
