/**
 * The one way into the database for what devices send. A protocol acknowledges when `store` has resolved, and
 * never before: it survives a power cut then.
 * @module
 */
import { hash } from "node:crypto";
import { instantOf, logger, type Warnings } from "../../../core/mod.ts";
import { type Store, storeErrorKind } from "../../../store/mod.ts";
import type { DeviceProtocol } from "../../../contract/attendance.ts";
import type { People } from "./people.ts";
import type { Punches } from "./punches.ts";
import type { Quarantine } from "./quarantine.ts";
import type { ParsedRecords, RecordSource } from "./parsed.ts";
import type { WallTime } from "./time.ts";

export interface Delivery extends Partial<ParsedRecords> {
  device: RecordSource;
  protocol: DeviceProtocol;
  receivedMs: number;
  /** Whether it comes from the device's own address: else only punches are taken, without names. */
  believed?: boolean;
  /** The device's stamp for a table, stored with its rows. */
  stamp?: { table: string; value: string } | undefined;
}

export interface IntakeOptions {
  punches: Punches;
  people: People;
  quarantine: Quarantine;
  warnings: Warnings;
}

/** Rows of one write: about 3 ms. */
const SLICE_ROWS = 200;

const WARNING = "attendance.storage";

export class Intake {
  readonly #store: Store;
  readonly #options: IntakeOptions;
  readonly #addEvent;
  readonly #setStamp;
  readonly #getStamp;
  readonly #clearStamps;

  constructor(store: Store, options: IntakeOptions) {
    this.#store = store;
    this.#options = options;
    this.#addEvent = store.db.prepare(
      `INSERT INTO device_events (id, device_sn, kind, person_id, device_time, event, raw, received_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    );
    this.#setStamp = store.db.prepare(
      `INSERT INTO device_stamps (device_sn, table_name, stamp) VALUES (?, ?, ?)
       ON CONFLICT (device_sn, table_name) DO UPDATE SET stamp = excluded.stamp`,
    );
    this.#getStamp = store.db.prepare(
      "SELECT stamp FROM device_stamps WHERE device_sn = ? AND table_name = ?",
    );
    this.#clearStamps = store.db.prepare("DELETE FROM device_stamps WHERE device_sn = ?");
  }

  /**
   * Stores what a device has sent, durably. Up to 200 records are stored all or none.
   * @returns whether it is stored; if not, it must not be acknowledged
   */
  async store(delivery: Delivery): Promise<boolean> {
    const { punches = [], users = [], believed = false } = delivery;
    const { people, warnings } = this.#options;
    const { sn } = delivery.device;
    try {
      let from = 0;
      for (; punches.length - from > SLICE_ROWS; from += SLICE_ROWS) {
        const slice = punches.slice(from, from + SLICE_ROWS);
        await this.#write(() => this.#add(delivery, slice));
      }
      for (let at = 0; believed && at < users.length; at += SLICE_ROWS) {
        const slice = users.slice(at, at + SLICE_ROWS);
        await this.#store.write(() => {
          for (const { personId, name } of slice) people.seen(personId, { sn, name });
        });
      }
      const rest = from === 0 ? punches : punches.slice(from);
      await this.#write(() => {
        this.#add(delivery, rest);
        this.#addOthers(delivery);
      });
    } catch (error) {
      const full = storeErrorKind(error) === "full";
      warnings.raise(
        WARNING,
        full
          ? "Cannot store punches: the disk is full. Make room; the devices keep their punches and send them again"
          : "Cannot store punches. The devices keep them and send them again; the log has the reason",
      );
      logger("attendance").error("Cannot store what {sn} sent: {error}", { sn, error });
      return false;
    }
    warnings.clear(WARNING);
    return true;
  }

  /** The stamp that came with the last rows of a table. */
  stamp(sn: string, table: string): string | undefined {
    const row = this.#getStamp.get(sn, table);
    return row && String(row.stamp);
  }

  /** The device sends everything again after its next handshake. */
  async forgetStamps(sn: string): Promise<void> {
    await this.#store.write(() => this.#clearStamps.run(sn));
  }

  /** Writes durably, all or nothing: what is remembered of punches that were not stored is forgotten. */
  async #write(work: () => void): Promise<void> {
    const { punches } = this.#options;
    try {
      await this.#store.write(() => {
        try {
          work();
        } catch (error) {
          // At once: the next writer shares the transaction.
          punches.undone();
          throw error;
        }
      }, { durable: true });
    } catch (error) {
      punches.undone();
      throw error;
    }
  }

  #add(
    { device, receivedMs, believed = false }: Delivery,
    punches: NonNullable<Delivery["punches"]>,
  ): void {
    const origin = { device, receivedMs, believed };
    const { added, suspect } = this.#options.punches.add(punches, origin);
    if (added > 0) this.#store.afterCommit(() => this.#noteClock(device.sn, suspect));
  }

  /** Warns of a punch whose time cannot be right, until the device sends one with a right time. */
  #noteClock(sn: string, suspect: WallTime | undefined): void {
    const { warnings } = this.#options;
    const code = `attendance.time.${sn}`;
    if (suspect === undefined) return warnings.clear(code);
    warnings.raise(
      code,
      `Device ${sn} has sent a punch of ${suspect}, which cannot be right: look at its clock. ` +
        "The punch is kept and marked",
    );
  }

  #addOthers(delivery: Delivery): void {
    const { device: { sn }, protocol, receivedMs, events = [], unreadable = [], stamp } = delivery;
    const receivedAt = instantOf(receivedMs);
    for (const { kind, personId, deviceTime, event, raw } of events) {
      // An event without a time is identified by its content.
      const key = ["v1", sn, kind, personId, deviceTime || raw, event ?? ""].join("|");
      const id = hash("sha256", key, "hex");
      this.#addEvent.run(id, sn, kind, personId, deviceTime, event, raw, receivedAt);
    }
    for (const { reason, raw } of unreadable) {
      this.#options.quarantine.add({ sn, protocol, reason, raw, receivedMs });
    }
    if (stamp) this.#setStamp.run(sn, stamp.table, stamp.value);
  }
}
