/**
 * Trust by address. Neither protocol has a password, so the address is all that distinguishes a device from a
 * stranger with its serial number. Punches are accepted from any address, because a router may give the device
 * another one; nothing else is trusted from there until the user confirms it, or the former address is silent.
 *
 *     its address        ──seen───seen───┐ silent for `silentMs`
 *     another address           ──punches stored, warning──┴─ has moved: its stamps are deleted
 *
 * @module
 */
import { type Clock, logger, type Warnings } from "../../../core/mod.ts";
import type { Device, Trust } from "./device.ts";
import type { DeviceTable } from "./device_table.ts";

/** A call from another address is over when it was not repeated within this time. */
const OVER_MS = 10 * 60_000;
/** After such a gap between two sweeps the machine slept: devices get their time to come back. */
const SLEPT_MS = 2 * 60_000;

export interface AddressTrackerOptions {
  clock: Clock;
  warnings: Warnings;
  /** Silence of an address after which its device is taken to have left it, in milliseconds; 0: the user decides. */
  silentMs: number;
  /** The configured address, which is the only one. */
  configured: (sn: string) => string | undefined;
  table: DeviceTable;
  /** Called when a device's address, or the other address that uses its serial number, has changed. */
  onChange: (device: Device) => void;
}

export class AddressTracker {
  readonly #options: AddressTrackerOptions;
  /** Since when devices are listened to without a gap: `clock.monotonic()`. */
  #since: number;
  #sweptAt: number;
  /** Devices whose new address is being written. */
  readonly #moving = new Set<Device>();

  constructor(options: AddressTrackerOptions) {
    this.#options = options;
    this.#since = options.clock.monotonic();
    this.#sweptAt = options.clock.now();
  }

  trust({ sn, approval, address: own }: Device, address: string): Trust {
    if (approval !== "approved") return "none";
    if (own === null || own === address) return "full";
    return this.#options.configured(sn) === undefined ? "punches" : "none";
  }

  /** An approved device's serial number was used at another address: the device has moved there, or a stranger uses it. */
  noteOtherAddress(device: Device, address: string): void {
    if (this.#hasLeft(device)) void this.#move(device, address);
    else if (this.#note(device, address)) this.#options.onChange(device);
  }

  /** The device's address is settled. */
  settle(device: Device): void {
    device.elsewhere = null;
    this.#options.warnings.clear(codeOf(device));
  }

  /** Called every few seconds: devices whose other address has been silent. */
  sweep(devices: Iterable<Device>): Device[] {
    const { clock } = this.#options;
    const now = clock.monotonic();
    if (Math.abs(clock.now() - this.#sweptAt) > SLEPT_MS) this.#since = now;
    this.#sweptAt = clock.now();
    const over = [...devices]
      .filter(({ elsewhere }) => elsewhere !== null && now - elsewhere.seenAt > OVER_MS);
    for (const device of over) this.settle(device);
    return over;
  }

  /** Whether an approved device has left its own address. */
  #hasLeft({ sn, seenAt }: Device): boolean {
    const { clock, silentMs, configured } = this.#options;
    if (silentMs === 0 || configured(sn) !== undefined) return false;
    return clock.monotonic() - Math.max(seenAt, this.#since) > silentMs;
  }

  /** @returns whether the other address is news */
  #note(device: Device, address: string): boolean {
    const now = this.#options.clock.monotonic();
    const former = device.elsewhere;
    // Two other addresses that take turns are reported once.
    const isNews = former === null ||
      (former.address !== address && now - former.seenAt > OVER_MS);
    device.elsewhere = { address: isNews ? address : former!.address, seenAt: now };
    if (isNews) this.#warn(device, address);
    return isNews;
  }

  /** The device is trusted at its new address as soon as that is on disk. */
  async #move(device: Device, address: string): Promise<void> {
    if (this.#moving.has(device)) return;
    this.#moving.add(device);
    const { table, clock, onChange } = this.#options;
    const { sn, address: before } = device;
    try {
      await table.relocate(device, address, () => {
        device.address = address;
        // The former address has to be silent for long before the device is taken to move back.
        device.seenAt = clock.monotonic();
        this.settle(device);
        logger("attendance").warn("Device {sn} has moved from {before} to {address}", {
          sn,
          before,
          address,
        });
        onChange(device);
      });
    } catch (error) {
      logger("attendance").error("Cannot note the new address of {sn}: {error}", { sn, error });
    } finally {
      this.#moving.delete(device);
    }
  }

  #warn(device: Device, address: string): void {
    const { warnings, configured, silentMs } = this.#options;
    const { sn, title: who, address: own } = device;
    if (configured(sn) !== undefined) {
      return warnings.raise(
        codeOf(device),
        `Device ${who} is configured at ${own}, and ${address} uses its serial number: nothing is taken from there. ` +
          "If the device has moved, change its address in attendance.devices; if not, look who that is",
      );
    }
    const minutes = Math.round(silentMs / 60_000);
    warnings.raise(
      codeOf(device),
      `Device ${who} is at ${own}, and ${address} uses its serial number too: punches from there are stored, ` +
        "nothing else is believed. If the device has moved, say so on the dashboard or with " +
        `\`clockblock devices approve ${sn} --address ${address}\`` +
        (minutes > 0 ? `, or wait until ${own} has been silent for ${minutes} minutes` : "") +
        "; if not, look who that is",
    );
  }
}

function codeOf({ sn }: Device): string {
  return `attendance.address.${sn}`;
}
