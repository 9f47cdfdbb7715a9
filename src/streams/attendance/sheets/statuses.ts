/** Which statuses each device has sent: a device that sends more than one means them. @module */
import type { Statement, Store } from "../../../store/mod.ts";
import { meansStatus, statusBit } from "./direction.ts";

/** A device, as far as its statuses go. */
export interface StatusSender {
  readonly sn: string;
  readonly protocol: string | null;
  /** A bit for each status it has sent, see `statusBit`. */
  statuses: number;
  /** Whether those of the stored punches are among them. */
  statusesRead: boolean;
}

/** Rows read at a time: about 1 ms. */
const PAGE_ROWS = 500;

export class Statuses {
  readonly #page: Statement;
  readonly #update: Statement;

  constructor({ db }: Store) {
    this.#page = db.prepare(
      `SELECT in_out, punched_at, seq FROM device_logs INDEXED BY device_logs_device
       WHERE device_sn = ? AND (punched_at, seq) > (?, ?) ORDER BY punched_at, seq LIMIT ${PAGE_ROWS}`,
    );
    this.#update = db.prepare("UPDATE devices SET statuses = ? WHERE sn = ?");
  }

  /** Remembers what a device sends; called inside the `write` that stores it. @returns whether any is new */
  note(device: StatusSender, punches: readonly { inOut: number | null }[]): boolean {
    const statuses = punches.reduce((bits, { inOut }) => bits | statusBit(inOut), device.statuses);
    if (statuses === device.statuses) return false;
    device.statuses = statuses;
    // A device that is not stored yet is looked through after a kill.
    if (device.statusesRead) this.#update.run(statuses, device.sn);
    return true;
  }

  /** Looks through a device's stored punches, page by page, until what it has sent settles the matter. */
  async read(device: StatusSender, signal: AbortSignal): Promise<void> {
    let place: [at: string, seq: number] = ["", 0];
    while (!device.statusesRead && !signal.aborted) {
      const rows = this.#page.all(device.sn, ...place);
      for (const { in_out } of rows) {
        device.statuses |= statusBit(in_out === null ? null : Number(in_out));
      }
      device.statusesRead = rows.length < PAGE_ROWS ||
        meansStatus(device.protocol, device.statuses);
      if (device.statusesRead) return;
      place = [String(rows.at(-1)!.punched_at), Number(rows.at(-1)!.seq)];
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
}
