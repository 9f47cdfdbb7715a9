/** Devices that wait for approval: how many are listed, and the warnings about them. @module */
import type { Warnings } from "../../../core/mod.ts";
import type { Device } from "./device.ts";

/** Warning: the list is full. */
const TOO_MANY = "attendance.strangers";
/** More pending devices are an attack or a mistake. */
const MAX_PENDING = 64;
/** A pending device that was silent for this long can be replaced by another. */
const STRANGER_MS = 60 * 60_000;

/**
 * The device that is removed for one more at this address: undefined while there is room; one that was silent for
 * long, else one of the address with most devices; `"nobody"` when that is the newcomer's own.
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
  // A time in the future is from before the clock was set back.
  if (Math.abs(now - (oldest.lastSeenMs ?? 0)) >= STRANGER_MS) return oldest;
  const byAddress = Map.groupBy(strangers, (stranger) => stranger.address);
  const most = [...byAddress.values()].reduce((a, b) => b.length > a.length ? b : a);
  const own = byAddress.get(address)?.length ?? 0;
  return most.length > own + 1 ? most[0]! : "nobody";
}

export function warnListFull(warnings: Warnings): void {
  warnings.raise(
    TOO_MANY,
    "Too many unknown devices have called: no more are listed. " +
      "Approve or refuse those that wait, and look who is on the network",
  );
}

/** Warns of pending devices, and clears the warning when there are none. */
export function warnOfPending(devices: Iterable<Device>, warnings: Warnings): void {
  const waiting = [...devices].filter(({ approval }) => approval === "pending");
  if (waiting.length < MAX_PENDING) warnings.clear(TOO_MANY);
  if (waiting.length === 0) return warnings.clear("attendance.pending");
  const serials = waiting.slice(0, 5).map(({ sn }) => sn).join(", ");
  const more = waiting.length > 5 ? ", …" : "";
  warnings.raise(
    "attendance.pending",
    waiting.length === 1
      ? `Device ${serials} is waiting for approval; nothing is stored until then. ` +
        `Approve it on the dashboard or with \`clockblock devices approve ${serials}\``
      : `${waiting.length} devices are waiting for approval; nothing is stored until then: ${serials}${more}. ` +
        "Approve them on the dashboard or with `clockblock devices approve`",
  );
}

/** A device that was removed is not warned of any more. */
export function clearWarnings(sn: string, warnings: Warnings): void {
  for (const about of ["address", "clock", "protocol", "push3", "silent", "time"]) {
    warnings.clear(`attendance.${about}.${sn}`);
  }
}
