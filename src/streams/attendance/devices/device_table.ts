/** The table of devices. @module */
import { instantOf, msOf } from "../../../core/mod.ts";
import type { RawRow, Statement, Store } from "../../../store/mod.ts";
import type { DeviceProtocol } from "../../../contract/attendance.ts";
import { type Approval, Device } from "./device.ts";
import { ActivityHours } from "./activity_hours.ts";
import type { DeviceRole } from "../sheets/direction.ts";
import type { Zone } from "../storage/time.ts";

/** What is decided about a device. */
export type Decided = Pick<Device, "approval" | "name" | "ownZone" | "ownRole" | "address">;

export class DeviceTable {
  readonly #store: Store;
  /** Changed since the last `save`. */
  readonly #unsaved = new Set<Device>();
  readonly #upsert: Statement;
  readonly #delete: Statement;
  readonly #all: Statement;
  readonly #forgetStamps: Statement;
  readonly #forgetCommands: Statement;

  constructor(store: Store) {
    const { db } = store;
    this.#store = store;
    this.#upsert = db.prepare(
      `INSERT OR REPLACE INTO devices (sn, name, approval, protocol, time_zone, read_zone, address, model,
         firmware, mac, backlog, skew_ms, first_seen, last_seen, resync, told_offset, first_line, heard_hours,
         role, statuses, decided_by, names_asked_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#delete = db.prepare("DELETE FROM devices WHERE sn = ?");
    this.#forgetStamps = db.prepare("DELETE FROM device_stamps WHERE device_sn = ?");
    this.#forgetCommands = db.prepare("DELETE FROM device_commands WHERE device_sn = ?");
    // A device is written after its punches: after a kill, its newest punch has what is missing.
    const newest = (column: string) =>
      `(SELECT ${column} FROM device_logs INDEXED BY device_logs_device WHERE device_sn = devices.sn
        ORDER BY punched_at DESC LIMIT 1)`;
    this.#all = db.prepare(
      `SELECT *, coalesce(last_seen, ${newest("received_at")}) AS seen,
         coalesce(read_zone, ${newest("time_zone")}) AS zone_of_punches
       FROM devices`,
    );
  }

  /** Every device that was known, its clock in this zone unless it has its own. */
  load(zone: Zone): Device[] {
    return this.#all.all().map((row) => deviceOf(row, zone));
  }

  /** Called inside `write`. */
  write(device: Device, { approval, name, ownZone, ownRole, address }: Decided = device): void {
    const { sn, protocol, model, firmware, mac, backlog, skew_ms, first_seen, last_seen } = device
      .report();
    // deno-fmt-ignore
    this.#upsert.run(
      sn, name, approval, protocol, ownZone, device.readZone, address, model,
      firmware, mac, backlog, skew_ms, first_seen, last_seen, device.resync ? 1 : 0, device.sentOffset,
      device.firstLine, `${device.hours}`,
      ownRole, device.statusesRead ? device.statuses : null, device.punchesDecidedBy,
      device.namesAskedMs === null ? null : instantOf(device.namesAskedMs),
    );
  }

  /** The device has another address from now on, and the stamps of the former one are deleted; called inside `write`. */
  move(device: Device, decided: Decided): void {
    this.write(device, decided);
    this.#forgetStamps.run(device.sn);
  }

  /** Has the device written at the next `save`: it sends every few seconds, and only punches must be durable. */
  touch(device: Device): void {
    if (!device.forgotten) this.#unsaved.add(device);
  }

  async save(): Promise<void> {
    if (this.#unsaved.size === 0) return;
    const devices = [...this.#unsaved];
    this.#unsaved.clear();
    try {
      await this.#store.write(() => {
        for (const device of devices) if (!device.forgotten) this.write(device);
      });
    } catch (error) {
      for (const device of devices) this.#unsaved.add(device);
      throw error;
    }
  }

  /** Deletes the device; what is still under way with it does not write it again. */
  async forget(device: Device): Promise<void> {
    const { sn } = device;
    device.forgotten = true;
    this.#unsaved.delete(device);
    try {
      await this.#store.write(() => {
        this.#delete.run(sn);
        this.#forgetStamps.run(sn);
        this.#forgetCommands.run(sn);
      });
    } catch (error) {
      device.forgotten = false;
      throw error;
    }
  }

  /** Writes the device with a new address, durably; the stamps of the former address are deleted. */
  async relocate(device: Device, address: string, onCommit: () => void): Promise<void> {
    const { approval, name, ownZone, ownRole } = device;
    await this.#store.write(() => {
      this.move(device, { approval, name, ownZone, ownRole, address });
      this.#store.afterCommit(onCommit);
    }, { durable: true });
  }
}

function deviceOf(row: RawRow, zone: Zone): Device {
  const text = (column: string) => row[column] === null ? null : String(row[column]);
  const number = (column: string) => row[column] === null ? null : Number(row[column]);
  const ms = (column: string) => row[column] === null ? null : msOf(String(row[column]));
  // What this table holds was written above.
  const device = new Device(String(row.sn), row.approval as Approval, zone);
  device.name = text("name");
  device.protocol = text("protocol") as DeviceProtocol | null;
  device.ownZone = text("time_zone");
  device.readZone = text("zone_of_punches");
  device.ownRole = text("role") as DeviceRole | null;
  device.statuses = number("statuses") ?? 0;
  device.statusesRead = row.statuses !== null;
  device.punchesDecidedBy = text("decided_by");
  device.address = text("address");
  device.model = text("model");
  device.firmware = text("firmware");
  device.mac = text("mac");
  device.backlog = number("backlog");
  device.skewMs = number("skew_ms");
  device.firstSeenMs = ms("first_seen");
  device.lastSeenMs = ms("seen");
  device.namesAskedMs = ms("names_asked_at");
  device.resync = row.resync === 1;
  device.sentOffset = number("told_offset");
  device.firstLine = text("first_line");
  device.hours = new ActivityHours(text("heard_hours"));
  return device;
}
