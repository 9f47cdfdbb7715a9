/** Parses the quarantine again: an update may have better parsers. @module */
import { msOf } from "../../../core/mod.ts";
import type { QuarantineEntry, Retried } from "../../../contract/attendance.ts";
import type { Store } from "../../../store/mod.ts";
import { readRecords } from "./aiface/decode.ts";
import type { Devices } from "../devices/registry.ts";
import { readAttlog } from "./iclock/attlog.ts";
import type { Punches } from "../storage/punches.ts";
import type { Quarantine } from "../storage/quarantine.ts";
import type { ParseContext, ParsedPunch } from "../storage/parsed.ts";

/** Entries of one transaction: about 3 ms. */
const STEP = 50;

/**
 * Reads entries again: those with these ids, or all there are. An id that is not there is ignored.
 * @throws {StoreError} when the database does not take the punches: what was not read stays in the quarantine
 */
export type QuarantineRetry = (ids?: readonly number[]) => Promise<Retried>;

export function quarantineRetry(
  store: Store,
  { devices, punches, quarantine }: { devices: Devices; punches: Punches; quarantine: Quarantine },
): QuarantineRetry {
  return async (ids) => {
    const retried = { understood: 0, left: 0 };
    try {
      for (const page of ids ? pagesOf(ids) : allPages()) {
        const work = () => page.filter(again).length;
        const understood = await store.write(work, { durable: true });
        retried.understood += understood;
        retried.left += page.length - understood;
      }
    } catch (error) {
      punches.undone();
      throw error;
    } finally {
      quarantine.updateWarning();
    }
    return retried;
  };

  function* pagesOf(ids: readonly number[]): Generator<QuarantineEntry[]> {
    const distinct = [...new Set(ids)];
    for (let at = 0; at < distinct.length; at += STEP) {
      yield distinct.slice(at, at + STEP).flatMap((id) => quarantine.entry(id) ?? []);
    }
  }

  function* allPages(): Generator<QuarantineEntry[]> {
    let page: QuarantineEntry[];
    let before: number | undefined;
    do {
      page = quarantine.list({ limit: STEP, before });
      yield page;
      before = page.at(-1)?.id;
    } while (page.length === STEP);
  }

  /** Puts the entry's punches in its place, where they can be read; called inside `write`. */
  function again(entry: QuarantineEntry): boolean {
    const device = devices.find(entry.device_sn);
    // The punches of an entry in a file were stored when it came.
    if (device?.approval !== "approved" || entry.file !== null) return false;
    const receivedMs = msOf(entry.received_at);
    const parsed = punchesOf(entry, { zone: device.zone, receivedMs });
    if (parsed.length === 0) return false;
    punches.add(parsed, { device, receivedMs });
    quarantine.discard(entry.id);
    return true;
  }
}

/** The punches of an entry all of which can be read; none otherwise. */
function punchesOf({ protocol, raw }: QuarantineEntry, context: ParseContext): ParsedPunch[] {
  if (protocol !== "iclock") {
    const { punches, unreadable } = readRecords(raw, context);
    return unreadable.length === 0 ? punches : [];
  }
  const read = raw.split("\n").map((line) => readAttlog(line, context));
  return read.every((one) => "personId" in one) ? read : [];
}
