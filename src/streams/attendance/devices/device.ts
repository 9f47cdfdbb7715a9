/** One device: what is known of it, and its connection. @module */
import { type Instant, instantOf } from "../../../core/mod.ts";
import type { DeviceProtocol, DeviceReport, DeviceState } from "../../../contract/attendance.ts";
import { ActivityHours } from "./activity_hours.ts";
import { type DeviceRole, meansStatus } from "../sheets/direction.ts";
import type { WallTime, Zone } from "../storage/time.ts";

/** Where and how a device has connected. */
export interface Contact {
  address: string;
  protocol: DeviceProtocol;
}

/** The same of an unsupported device, with the first line it sent. */
export interface UnsupportedContact {
  address: string;
  /** Null when it is none that is known. */
  protocol: DeviceProtocol | null;
  firstLine: string;
}

/**
 * What is accepted from a sender with a device's serial number: `full` from an approved device at its own address;
 * `punches`, and nothing else, from another address; `none` from others.
 */
export type Trust = "full" | "punches" | "none";

/** What was decided about a device. */
export type Approval = "approved" | "pending" | "refused" | "unsupported";

/** The open connection of a device; iclock devices have none. */
export interface DeviceLink {
  /** Another connection has taken over, or the device was refused. */
  close(reason: string): void;
  /** Requests everything that the device holds. */
  resync(): void;
}

/** Serial number of a device that sends none. */
export function serialOf(address: string): string {
  return `at-${address.replace(/[^A-Za-z0-9]+/g, "-")}`.slice(0, 64);
}

/** Whether text can be a serial number; nothing else reaches the database or the log. */
export function isSerial(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(text);
}

export class Device {
  name: string | null = null;
  protocol: DeviceProtocol | null = null;
  address: string | null = null;
  model: string | null = null;
  firmware: string | null = null;
  mac: string | null = null;
  backlog: number | null = null;
  firstLine: string | null = null;
  /** Hours in which it was active. */
  hours = new ActivityHours();
  /** Whether it is expected to be active and is not. */
  silent = false;
  skewMs: number | null = null;
  firstSeenMs: number | null = null;
  lastSeenMs: number | null = null;

  online = false;
  /** Since when: `clock.monotonic()`. */
  onlineAt = -Infinity;
  /** When it was last asked for the names it holds. */
  namesAskedMs: number | null = null;
  link: DeviceLink | undefined;
  /** When it last sent something: `clock.monotonic()`. */
  seenAt = -Infinity;
  /** Another address that used its serial number lately, and when (`clock.monotonic()`). */
  elsewhere: { address: string; seenAt: number } | null = null;
  /** What was last sent with fewer records than announced: a digest. */
  shortMessages: Partial<Record<Trust, string>> = {};
  /** UTC offset of the time it was last sent, in minutes. */
  sentOffset: number | null = null;
  /** Whether it is to send everything again, and has not yet been asked to. */
  resync = false;

  /** A zone chosen for this device when it was approved; a configured one has precedence. */
  ownZone: string | null = null;
  /** The zone in which its punches were read so far; null when there are none. */
  readZone: string | null = null;
  /** A role chosen for this device; the configuration's own goes first. */
  ownRole: DeviceRole | null = null;
  /** What the door is for; null: both ways. */
  role: DeviceRole | null = null;
  /** The statuses it has sent: a bit for each, see `statusBit`. */
  statuses = 0;
  /** Whether those of the stored punches are among them. */
  statusesRead = false;
  /** By what the directions of its punches were decided: see `decidedBy`. */
  punchesDecidedBy: string | null = null;
  /** Whether it was taken off the list: it is not written any more. */
  forgotten = false;
  /** Status of the answer after a storage failure: `nack_status` in the configuration. */
  nackStatus: 200 | 503 = 503;

  constructor(readonly sn: string, public approval: Approval, public zone: Zone) {}

  /** For people: its name and its serial number. */
  get title(): string {
    return this.name === null ? this.sn : `${this.name} (${this.sn})`;
  }

  get state(): DeviceState {
    if (this.approval !== "approved") return this.approval;
    return this.online ? "online" : "offline";
  }

  /** Whether the status of its punches means something. */
  get sendsStatus(): boolean {
    return meansStatus(this.protocol, this.statuses);
  }

  /** The device's clock was read: how far is it off? */
  compareClock(time: WallTime, nowMs: number): void {
    this.skewMs = Date.parse(this.zone.read(time, nowMs).at) - nowMs;
  }

  report(): DeviceReport {
    return {
      sn: this.sn,
      name: this.name,
      role: this.role ?? "both",
      state: this.state,
      silent: this.silent,
      last_seen: instantOrNull(this.lastSeenMs),
      first_seen: instantOrNull(this.firstSeenMs),
      protocol: this.protocol,
      address: this.address,
      other_address: this.elsewhere?.address ?? null,
      model: this.model,
      firmware: this.firmware,
      mac: this.mac,
      backlog: this.backlog,
      first_line: this.approval === "unsupported" ? this.firstLine : null,
      skew_ms: this.skewMs,
      time_zone: this.zone.name,
    };
  }
}

function instantOrNull(ms: number | null): Instant | null {
  return ms === null ? null : instantOf(ms);
}
