/**
 * The registry of devices: known, pending, online. Kept in memory and written behind, because a device sends every
 * few seconds and only its punches have to survive a power cut.
 * @module
 */
import type { DeviceProtocol } from "../../../contract/attendance.ts";
import { type Clock, type Hub, logger, LogThrottle, type Warnings } from "../../../core/mod.ts";
import type { Store } from "../../../store/mod.ts";
import {
  type Contact,
  Device,
  type DeviceLink,
  type Trust,
  type UnsupportedContact,
} from "./device.ts";
import { type Decided, DeviceTable } from "./device_table.ts";
import { type DeviceConfig, reportProtocol } from "./config.ts";
import { clearWarnings, toEvict, warnListFull, warnOfPending } from "./pending.ts";
import { Zones } from "../storage/time.ts";
import { AddressTracker } from "./address_tracker.ts";

export interface DevicesOptions {
  clock: Clock;
  hub: Hub;
  warnings: Warnings;
  /** The zone of a device whose own is not configured. */
  timeZone: string;
  unknown: "pending" | "approve" | "refuse";
  devices: readonly DeviceConfig[];
  /** Silence of a device's address before it is trusted at another, in milliseconds; 0: the user decides. */
  silentMs: number;
}

/** An approved device without an open connection is online for this long after a message. */
const ONLINE_MS = 120_000;
/** Also where unknown devices are approved by themselves. */
const MAX_DEVICES = 1_000;
/** An unsupported device is forgotten when it was not seen for this long. */
const UNSUPPORTED_MS = 24 * 60 * 60_000;

export class Devices {
  readonly #store: Store;
  readonly #options: DevicesOptions;
  readonly #devices = new Map<string, Device>();
  readonly #zones = new Zones();
  readonly #table: DeviceTable;
  readonly #addresses: AddressTracker;
  readonly #log = logger("attendance");
  /** Any host that knows a serial number can make its device go online and offline. */
  readonly #logThrottle: LogThrottle;

  constructor(store: Store, options: DevicesOptions) {
    this.#store = store;
    this.#options = options;
    this.#table = new DeviceTable(store);
    this.#addresses = new AddressTracker({
      ...options,
      table: this.#table,
      configured: (sn) => this.configured(sn)?.address,
      onChange: (device) => this.changed(device),
    });
    this.#logThrottle = new LogThrottle({ intervalMs: 60_000, burst: 4, clock: options.clock });
    for (const device of this.#table.load(this.#zones.get(options.timeZone))) {
      this.#devices.set(device.sn, device);
      this.#applySettings(device);
    }
    for (const settings of options.devices) this.#configure(settings);
  }

  find(sn: string): Device | undefined {
    return this.#devices.get(sn);
  }

  configured(sn: string): DeviceConfig | undefined {
    return this.#options.devices.find((settings) => settings.sn === sn);
  }

  all(): Iterable<Device> {
    return this.#devices.values();
  }

  /** A sender has given its serial number. Undefined when it is unknown and not to be listed. */
  identify(sn: string, contact: Contact): Device | undefined {
    const device = this.#devices.get(sn) ?? this.#stranger(sn, contact);
    if (!device) return undefined;
    if (device.approval === "unsupported") this.#understood(device, contact);
    const approved = device.approval === "approved";
    if (approved && this.trust(device, contact.address) !== "full") {
      this.#addresses.noteOtherAddress(device, contact.address);
      return device;
    }
    const { clock } = this.#options;
    device.seenAt = clock.monotonic();
    device.lastSeenMs = clock.now();
    device.firstSeenMs ??= device.lastSeenMs;
    this.#table.touch(device);
    const { address, protocol } = device;
    device.address = contact.address;
    if (protocol !== contact.protocol) this.#setProtocol(device, contact.protocol);
    // A device that is offline is published when it goes online.
    if (device.online && (address !== device.address || protocol !== device.protocol)) {
      this.changed(device);
    }
    return device;
  }

  trust(device: Device | undefined, address: string): Trust {
    return device ? this.#addresses.trust(device, address) : "none";
  }

  /** A device uses a protocol that is not supported, or none that is known. */
  noteUnsupported(sn: string, contact: UnsupportedContact): void {
    const known = this.#devices.get(sn);
    const device = known ?? this.#stranger(sn, contact, "unsupported");
    if (!device) return;
    const { address, protocol, firstLine } = contact;
    this.#logThrottle.log(`unsupported ${sn}`, (more) => {
      this.#log.warn(
        "Device {sn} at {address} is not understood: set it to AiFace JSON or ADMS push. It sent: {firstLine}{more}",
        { sn, address, firstLine, more },
      );
    });
    // An approved or refused device stays so: any host can use its serial number.
    const decided = device.approval === "approved" || device.approval === "refused";
    if (decided && device.protocol !== null) return;
    device.lastSeenMs = this.#options.clock.now();
    this.#table.touch(device);
    if (known?.approval === "unsupported") return;
    device.approval = "unsupported";
    device.protocol = protocol;
    device.firstLine = firstLine;
    this.changed(device);
  }

  /** An approved device has sent something: it is online. */
  seen(device: Device): void {
    device.seenAt = this.#options.clock.monotonic();
    device.lastSeenMs = this.#options.clock.now();
    device.hours.record(device.lastSeenMs);
    this.#table.touch(device);
    if (!device.online) this.#setOnline(device, true);
  }

  /** This is the device's connection from now on; an earlier one is closed. */
  connected(device: Device, link: DeviceLink): void {
    const former = device.link;
    device.link = link;
    if (former && former !== link) former.close("another connection of the same device");
    if (device.approval === "approved") this.seen(device);
  }

  /** A connection has ended; the device is gone only if it holds no newer one. */
  disconnected(device: Device, link: DeviceLink): void {
    if (device.link !== link) return;
    device.link = undefined;
    if (device.online) this.#setOnline(device, false);
  }

  /** Saves and publishes a change. */
  changed(device: Device): void {
    this.#table.touch(device);
    this.#options.hub.publish("devices", device.report());
  }

  /** Approves a device, and closes its connection: it connects again, and is accepted then. */
  async approve(
    device: Device,
    { name = device.name, timeZone = device.ownZone, address = device.address }: {
      name?: string | null | undefined;
      timeZone?: string | null | undefined;
      address?: string | null | undefined;
    } = {},
  ): Promise<void> {
    await this.change(device, { approval: "approved", name, ownZone: timeZone, address });
  }

  async refuse(device: Device): Promise<void> {
    await this.change(device, { approval: "refused" });
  }

  /** Takes a device off the list; its punches stay. When it calls again, it is a stranger. */
  async remove(device: Device): Promise<void> {
    const { sn, link } = device;
    await this.#table.forget(device);
    this.#devices.delete(sn);
    // Its connections are a stranger's.
    Object.assign(device, { approval: "refused", link: undefined });
    this.#log.info("Device {sn} was removed", { sn });
    const { hub, warnings } = this.#options;
    clearWarnings(sn, warnings);
    hub.publish("devices", { sn, removed: true });
    this.warnOfPending();
    link?.close("the device was removed");
  }

  /** Requests everything from a device; stored until the device has received the request. */
  async resync(device: Device): Promise<void> {
    await this.#store.write(() => {
      device.resync = true;
      this.#table.write(device);
    }, { durable: true });
    device.link?.resync();
  }

  /** The device was asked to send everything again. */
  resynced(device: Device): void {
    device.resync = false;
    this.#table.touch(device);
  }

  /** Finds devices that have gone offline; called every few seconds. */
  sweep(): void {
    const now = this.#options.clock.monotonic();
    for (const device of this.#devices.values()) {
      if (device.online && !device.link && now - device.seenAt > ONLINE_MS) {
        this.#setOnline(device, false);
      }
      const unseenMs = this.#options.clock.now() - (device.lastSeenMs ?? 0);
      if (device.approval === "unsupported" && unseenMs > UNSUPPORTED_MS) this.#forget(device);
    }
    for (const device of this.#addresses.sweep(this.#devices.values())) this.changed(device);
  }

  save(): Promise<void> {
    return this.#table.save();
  }

  /** Decides something about a device, durably. Another role is applied to its stored punches too. */
  async change(device: Device, changes: Partial<Decided>): Promise<void> {
    const { approval: before, zone, name, ownZone, ownRole, address } = device;
    const decided = { approval: before, name, ownZone, ownRole, address, ...changes };
    const moves = decided.address !== device.address;
    await this.#store.write(() => {
      if (moves) this.#table.move(device, decided);
      else this.#table.write(device, decided);
    }, { durable: true });
    Object.assign(device, decided);
    this.#applySettings(device);
    if (moves || device.approval !== "approved") this.#addresses.settle(device);
    // The connection stays open when only the name has changed.
    if (device.approval === before && device.zone === zone && !moves) return this.changed(device);
    const { link } = device;
    device.link = undefined;
    device.online = false;
    this.#log.info("Device {sn} is {approval}", { sn: device.sn, approval: device.approval });
    this.changed(device);
    this.warnOfPending();
    link?.close(`the device was ${device.approval}`);
  }

  #setOnline(device: Device, online: boolean): void {
    device.online = online;
    if (online) device.onlineAt = this.#options.clock.monotonic();
    const { sn, address, state } = device;
    this.#logThrottle.log(sn, (more) => {
      this.#log.info("Device {sn} at {address} is {state}{more}", { sn, address, state, more });
    });
    this.changed(device);
  }

  /** An unsupported device uses a supported protocol now. */
  #understood(device: Device, { address }: Contact): void {
    const configured = this.configured(device.sn);
    const welcome = this.#options.unknown === "approve" || configured !== undefined;
    device.approval = welcome ? "approved" : "pending";
    device.address = configured?.address ?? address;
    this.warnOfPending();
    this.changed(device);
  }

  #setProtocol(device: Device, protocol: DeviceProtocol): void {
    device.protocol = protocol;
    const expected = this.configured(device.sn)?.protocol;
    reportProtocol(device, { expected, warnings: this.#options.warnings });
  }

  /** Lists an unknown device, if there is room. */
  #stranger(
    sn: string,
    { address, protocol }: Contact | UnsupportedContact,
    unsupported?: "unsupported",
  ): Device | undefined {
    const { unknown, clock, warnings } = this.#options;
    if (unknown === "refuse" && !unsupported) {
      this.#log.debug("Device {sn} at {address} is not listed and refused", { sn, address });
      return undefined;
    }
    if (!this.#makeRoom(address)) {
      warnListFull(warnings);
      return undefined;
    }
    const approval = unsupported ?? (unknown === "approve" ? "approved" : "pending");
    const device = new Device(sn, approval, this.#zones.get(this.#options.timeZone));
    device.firstSeenMs = device.lastSeenMs = clock.now();
    device.address = address;
    device.protocol = protocol;
    this.#devices.set(sn, device);
    if (approval === "pending") {
      this.#log.warn("Unknown device {sn} at {address} waits for approval", { sn, address });
    }
    if (approval !== "unsupported") this.changed(device);
    this.warnOfPending();
    return device;
  }

  #makeRoom(address: string): boolean {
    if (this.#devices.size >= MAX_DEVICES) return false;
    const now = this.#options.clock.now();
    const leaver = toEvict(this.#devices.values(), { now, address });
    if (leaver === "nobody") return false;
    if (leaver) this.#forget(leaver);
    return true;
  }

  #forget(device: Device): void {
    this.#devices.delete(device.sn);
    const { sn } = device;
    this.#table.forget(device)
      .catch((error) => this.#log.error("Cannot forget device {sn}: {error}", { sn, error }));
  }

  /** Warns of pending devices, also of those stored by an earlier run. */
  warnOfPending(): void {
    warnOfPending(this.#devices.values(), this.#options.warnings);
  }

  #configure({ sn, name, address, nack_status = 503 }: DeviceConfig): void {
    const device = this.#devices.get(sn) ??
      new Device(sn, "approved", this.#zones.get(this.#options.timeZone));
    this.#devices.set(sn, device);
    device.name = name;
    device.nackStatus = nack_status;
    if (device.approval === "pending") device.approval = "approved";
    if (device.approval === "refused") {
      this.#log.warn("Device {sn} is in the configuration but was refused: approve it", { sn });
    }
    this.#applySettings(device);
    this.#table.touch(device);
    if (address !== undefined && address !== device.address) {
      device.address = address;
      void this.#store.write(() => this.#table.move(device, device)).catch((error) =>
        this.#log.error("Cannot note the address of {sn}: {error}", { sn, error })
      );
    }
  }

  #applySettings(device: Device): void {
    const settings = this.configured(device.sn);
    device.role = settings?.role ?? device.ownRole;
    device.zone = this.#zones.get(settings?.time_zone ?? device.ownZone ?? this.#options.timeZone);
  }
}
