/**
 * Parses the quarantine again: an update may have better parsers.
 * @module
 */
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

export class QuarantineRetry {
  readonly #store: Store;
  readonly #devices: Devices;
  readonly #punches: Punches;
  readonly #quarantine: Quarantine;

  constructor(
    store: Store,
    parts: { devices: Devices; punches: Punches; quarantine: Quarantine },
  ) {
    this.#store = store;
    this.#devices = parts.devices;
    this.#punches = parts.punches;
    this.#quarantine = parts.quarantine;
  }

  /**
   * Reads these entries again, or all there are.
   * @param ids of entries; one that is not there is ignored
   * @throws {StoreError} when the database does not take the punches: what was not read stays in the quarantine
   */
  async run(ids?: readonly number[]): Promise<Retried> {
    const retried = { understood: 0, left: 0 };
    try {
      for (const page of this.#pages(ids)) {
        const understood = await this.#store.write(
          () => page.filter((entry) => this.#again(entry)).length,
          { durable: true },
        );
        retried.understood += understood;
        retried.left += page.length - understood;
      }
    } catch (error) {
      this.#punches.undone();
      throw error;
    } finally {
      this.#quarantine.updateWarning();
    }
    return retried;
  }

  *#pages(ids: readonly number[] | undefined): Generator<QuarantineEntry[]> {
    if (ids) {
      const distinct = [...new Set(ids)];
      for (let at = 0; at < distinct.length; at += STEP) {
        yield distinct.slice(at, at + STEP).flatMap((id) => this.#quarantine.entry(id) ?? []);
      }
      return;
    }
    let before: number | undefined;
    for (;;) {
      const page = this.#quarantine.list({ limit: STEP, before });
      yield page;
      if (page.length < STEP) return;
      before = page.at(-1)!.id;
    }
  }

  /** Puts the entry's punches in its place, where they can be read; called inside `write`. */
  #again(entry: QuarantineEntry): boolean {
    const device = this.#devices.find(entry.device_sn);
    // Of what lies in a file the punches were stored when it came.
    if (device?.approval !== "approved" || entry.file !== null) return false;
    const { zone } = device;
    const receivedMs = msOf(entry.received_at);
    const punches = punchesOf(entry, { zone, receivedMs });
    if (punches.length === 0) return false;
    this.#punches.add(punches, { device, receivedMs });
    this.#quarantine.discard(entry.id);
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
