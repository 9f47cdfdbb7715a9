/**
 * Reading the quarantine again, with the parsers of this version: what was not understood before an update may be now.
 * @module
 */
import { msOf } from "../../core/mod.ts";
import { readRecords } from "./aiface/decode.ts";
import type { Devices } from "./devices.ts";
import { readAttlog } from "./iclock/attlog.ts";
import type { Intake } from "./intake.ts";
import type { Quarantine, QuarantineEntry } from "./quarantine.ts";
import type { ReadContext, ReadPunch } from "./reading.ts";

export interface Retried {
  /** Entries that are punches now, and no longer in the quarantine. */
  understood: number;
  /** Entries that still make no sense, or whose device is not approved. */
  left: number;
}

/** Entries of one step: about 3 ms. */
const STEP = 100;

export class QuarantineRetry {
  readonly #devices: Devices;
  readonly #intake: Intake;
  readonly #quarantine: Quarantine;

  constructor(
    parts: { devices: Devices; intake: Intake; quarantine: Quarantine },
  ) {
    this.#devices = parts.devices;
    this.#intake = parts.intake;
    this.#quarantine = parts.quarantine;
  }

  /**
   * Reads these entries again, or all there are. A punch is stored before its entry is removed: whatever happens in
   * between, it is in one of the two, and stored once.
   * @param ids of entries; one that is not there is ignored
   */
  async run(ids?: readonly number[]): Promise<Retried> {
    const retried = { understood: 0, left: 0 };
    for (const page of this.#pages(ids)) {
      const outcomes = await Promise.all(page.map((entry) => this.#again(entry)));
      const read = page.filter((_, index) => outcomes[index]);
      await this.#quarantine.discard(read);
      retried.understood += read.length;
      retried.left += page.length - read.length;
    }
    this.#quarantine.tell();
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

  /** Whether the entry's punches are stored now. */
  async #again(entry: QuarantineEntry): Promise<boolean> {
    const device = this.#devices.find(entry.device_sn);
    // Of what lies in a file the punches were stored when it came.
    if (device?.approval !== "approved" || entry.file !== null) return false;
    const receivedMs = msOf(entry.received_at);
    const punches = punchesOf(entry, { zone: device.zone, receivedMs });
    if (punches.length === 0) return false;
    const protocol = entry.protocol === "iclock" ? "iclock" : "aiface";
    return await this.#intake.store({ device, protocol, receivedMs, punches });
  }
}

/** The punches of an entry all of which can be read; none otherwise. */
function punchesOf({ protocol, raw }: QuarantineEntry, context: ReadContext): ReadPunch[] {
  if (protocol !== "iclock") {
    const { punches, unreadable } = readRecords(raw, context);
    return unreadable.length === 0 ? punches : [];
  }
  const read = raw.split("\n").map((line) => readAttlog(line, context));
  return read.every((one) => "personId" in one) ? read : [];
}
