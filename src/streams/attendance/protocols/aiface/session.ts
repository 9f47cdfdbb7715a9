/**
 * The conversation with one AiFace device, over WebSocket or HTTP: what is said to what it says. An answer is
 * an acknowledgement, so that it is given only for what is stored; where the vendor's documents leave open what
 * a refusal does to the device, it gets no answer and sends again.
 * @module
 */
import { hash } from "node:crypto";
import { addDays, dayAt, logger } from "../../../../core/mod.ts";
import { cloudTime } from "../../devices/clocks.ts";
import type { Context } from "../context.ts";
import {
  type Device,
  type Encounter,
  isSerial,
  type Link,
  type Standing,
} from "../../devices/device.ts";
import { wholeNumber } from "../../storage/reading.ts";
import { type Answer, answerCommand } from "./commands.ts";
import type { QuarantineFile } from "../../storage/quarantine_file.ts";
import { ASKED_FOR, decodeMessage, type DeviceInfo, type Message } from "./decode.ts";
import { Puller, type PullWindow } from "./pull.ts";
import type { Spillway } from "./message.ts";
import { type StoredGroup, storeGroup, storeRecords } from "./records.ts";
import type { Scanned, ScannedObject, Spilled, Spilling } from "./scan.ts";

/** How a session talks; over HTTP there is nothing to hold and nothing to ask. */
export interface SessionLink {
  send(text: string): void;
  close(reason: string): void;
}

/** After a registration the device has this long for what it wants to say first. */
const FIRST_PULL_MS = 3_000;
/** How far back a resync goes; devices hold about as much. */
const RESYNC_DAYS = 92;
/** The longest absence that is made up for by asking. */
const LONGEST_PULL_DAYS = 31;
const DAY_MS = 86_400_000;
/** How far a device's clock may be off in silence. */
const WORTH_A_WORD_MS = 60_000;

export class AifaceSession implements Link, Spillway {
  readonly #context: Context;
  readonly #address: string;
  readonly #link: SessionLink | undefined;
  readonly #puller: Puller | undefined;
  #device: Device | undefined;
  /** Whether its device is at another address, so far. */
  #elsewhere = false;
  #trusted = false;
  #nextPull = Infinity;
  /** The day from which the next pull asks; yesterday when not set. */
  #pullFrom: string | undefined;

  constructor(context: Context, { address, link }: { address: string; link?: SessionLink }) {
    this.#context = context;
    this.#address = address;
    this.#link = link;
    if (link) {
      this.#puller = new Puller((command) => link.send(JSON.stringify(command)), context);
    }
  }

  /** Deals with one thing a device has sent. */
  async take(scanned: Scanned): Promise<Answer> {
    if (scanned.kind === "garbage") return await this.#malformed("no JSON object", scanned.text);
    try {
      return await this.#answer(scanned);
    } finally {
      await scanned.spilled?.file.discard();
    }
  }

  async #answer(scanned: ScannedObject): Promise<Answer> {
    const { head, spilled } = scanned;
    const message = decodeMessage(scanned);
    if (message.kind === "malformed") return await this.#malformed(message.reason, head, spilled);
    if (spilled && !isAsBegun(message, spilled)) {
      return await this.#malformed("its end contradicts its beginning", head, spilled);
    }
    if (message.kind === "reg") return this.#register(message.sn, message.info);
    const device = this.#sender(message.sn);
    if (!device) return { silent: "unknown" };
    if (spilled && !await this.#keep(device, head, spilled)) return { silent: "storage" };
    switch (message.kind) {
      case "sendlog":
        return await this.#sendlog(device, message, scanned);
      case "reply":
        return await this.#reply(device, message, scanned);
      case "command":
        return await answerCommand(this.#context, device, message);
    }
  }

  /** The device that sends a message which begins like this, from its own address, before all of it is there. */
  senderOf(head: string): string | undefined {
    const sn = /"\s*sn\s*"\s*:\s*"([^"]*)"/.exec(head)?.[1]?.trim();
    const device = sn === undefined ? this.#device : this.#context.devices.find(sn);
    return this.#standing(device) === "device" ? device?.sn : undefined;
  }

  spilling(head: string): Spilling | undefined {
    const sn = this.senderOf(head);
    const word = /"\s*(?:cmd|ret)\s*"\s*:\s*"\s*([^"]*?)\s*"/.exec(head)?.[1];
    if (sn === undefined || word === undefined) return undefined;
    // Only punches come in such numbers; what else is large is kept in its file alone.
    return { sn, punches: word === "sendlog" || ASKED_FOR.has(word) };
  }

  async storeGroup(sn: string, group: string): Promise<StoredGroup> {
    const device = this.#context.devices.find(sn);
    if (device?.approval !== "approved") return { records: 0, stored: false, days: new Set() };
    return await storeGroup(this.#context, device, group);
  }

  resync(): void {
    const device = this.#device;
    if (!device) return;
    const { clock, devices } = this.#context;
    const today = dayAt(clock.now(), device.zone.name);
    this.#pull(addDays(today, -RESYNC_DAYS), today, { done: () => devices.resynced(device) });
  }

  close(reason: string): void {
    this.#link?.close(reason);
  }

  /** The device has said something, be it only that it is there. */
  heard(): void {
    if (this.#device && this.believed) this.#context.devices.heard(this.#device);
  }

  /** Whether the device has said who it is. */
  get identified(): boolean {
    return this.#device !== undefined;
  }

  /** Whether it is an approved device at its own address. */
  get believed(): boolean {
    return this.#standing(this.#device) === "device";
  }

  /** Whether such a device has said something here, be it one that does not register. */
  get trusted(): boolean {
    return this.#trusted;
  }

  /** The connection is over. */
  end(): void {
    if (this.#device) this.#context.devices.disconnected(this.#device, this);
    this.#device = undefined;
  }

  /** Asks for missed punches when it is time; called every second. */
  sweep(): void {
    if (this.#device && this.#elsewhere) this.#settle(this.#device);
    this.#schedulePull();
    this.#puller?.sweep();
  }

  #schedulePull(): void {
    const now = this.#context.clock.monotonic();
    const device = this.#device;
    if (!device || now < this.#nextPull) return;
    const { clock, pullIntervalMs } = this.#context;
    this.#nextPull = pullIntervalMs > 0 ? now + pullIntervalMs : Infinity;
    const today = dayAt(clock.now(), device.zone.name);
    if (device.resync) this.resync();
    else this.#pull(this.#pullFrom ?? addDays(today, -1), today);
    this.#pullFrom = undefined;
  }

  /** Asks the device for its punches of these days, both included. */
  #pull(from: string, to: string, also: Pick<PullWindow, "done"> = {}): void {
    // Firmware differs on whether the last day is included: the day after it does no harm.
    this.#puller?.ask({ from, to: addDays(to, 1), ...also });
  }

  #register(sn: string, info: DeviceInfo): Answer {
    const { devices, clock } = this.#context;
    if (!isSerial(sn)) {
      return { send: { ret: "reg", result: false, reason: "serial number not valid" } };
    }
    const seenBefore = devices.find(sn)?.lastSeenMs ?? null;
    const device = devices.meet(sn, this.#encounter);
    const standing = this.#standing(device);
    if (device) this.#hold(device, standing);
    if (!device || standing === "stranger") {
      return { send: { ret: "reg", result: false, reason: "device not allowed" } };
    }
    const cloudtime = cloudTime(this.#context, device.zone);
    const welcome: Answer = {
      send: { ret: "reg", result: true, ...(cloudtime && { cloudtime }), nosenduser: true },
    };
    if (standing === "elsewhere") return welcome;
    this.#trusted = true;
    device.model = info.model ?? device.model;
    device.firmware = info.firmware ?? device.firmware;
    device.mac = info.mac ?? device.mac;
    device.backlog = info.backlog ?? device.backlog;
    const time = info.time === null ? undefined : device.zone.normalise(info.time);
    if (time !== undefined) device.compareClock(time, clock.now());
    if (Math.abs(device.skewMs ?? 0) > WORTH_A_WORD_MS) {
      const seconds = Math.round(device.skewMs! / 1_000);
      this.#context.logThrottle.log(`clock ${sn}`, (more) => {
        logger("attendance").warn("The clock of {sn} is {seconds} s off{more}", {
          sn,
          seconds,
          more,
        });
      });
    }
    devices.heard(device);
    devices.changed(device);
    this.#pullSince(device, seenBefore);
    if (cloudtime) device.toldOffset = device.zone.offsetMinutesAt(clock.now());
    return welcome;
  }

  /** The first pull asks for what the device may have failed to send since it was last seen. */
  #pullSince(device: Device, seenBeforeMs: number | null): void {
    const { clock, pullIntervalMs } = this.#context;
    if (pullIntervalMs === 0 && !device.resync) return;
    this.#nextPull = clock.monotonic() + FIRST_PULL_MS;
    const longAgo = clock.now() - LONGEST_PULL_DAYS * DAY_MS;
    // One that was seen in the future was seen by a wrong clock: nobody knows when.
    const isFuture = seenBeforeMs !== null && seenBeforeMs > clock.now() + DAY_MS;
    const seen = isFuture ? longAgo : seenBeforeMs;
    const missedFrom = Math.max(Math.min(seen ?? Infinity, clock.now()), longAgo) - DAY_MS;
    this.#pullFrom = dayAt(missedFrom, device.zone.name);
  }

  /** A device that calls from another address is believed here once it has moved. */
  #settle(device: Device): void {
    const seenBefore = device.lastSeenMs;
    this.#context.devices.meet(device.sn, this.#encounter);
    if (!this.believed) return;
    this.#hold(device, "device");
    this.#pullSince(device, seenBefore);
  }

  async #sendlog(
    device: Device,
    { count, logIndex }: Extract<Message, { kind: "sendlog" }>,
    scanned: ScannedObject,
  ): Promise<Answer> {
    const stored = scanned.spilled ?? await storeRecords(this.#context, device, scanned);
    if (!stored) return { silent: "storage" };
    const announced = count ?? stored.records;
    if (announced > stored.records && !this.#isRepeated(device, scanned)) {
      return { silent: "incomplete" };
    }
    if (announced > stored.records) {
      // Sent twice with fewer records than announced: what is missing is fetched by its day.
      const today = dayAt(this.#context.clock.now(), device.zone.name);
      this.#pull(stored.days[0] ?? today, stored.days.at(-1) ?? today);
    }
    if (device.backlog !== null && this.#standing(device) === "device") {
      device.backlog = Math.max(0, device.backlog - announced);
    }
    const cloudtime = cloudTime(this.#context, device.zone);
    return {
      send: {
        ret: "sendlog",
        result: true,
        count: announced,
        logindex: logIndex,
        ...(cloudtime && { cloudtime }),
      },
    };
  }

  async #reply(
    device: Device,
    { to, result, fields }: Extract<Message, { kind: "reply" }>,
    scanned: ScannedObject,
  ): Promise<Answer> {
    if (to !== "getalllog" && to !== "getnewlog") return { silent: "nothing" };
    const stored = scanned.spilled ?? await storeRecords(this.#context, device, scanned);
    this.#puller?.answered({
      records: stored?.records ?? 0,
      count: wholeNumber(fields.count),
      from: wholeNumber(fields.from),
      to: wholeNumber(fields.to),
      result,
    }, { stored: stored !== undefined });
    return { silent: "nothing" };
  }

  /** A message beyond the limit: its punches are stored, the whole of it lies in a file for someone to look at. */
  async #keep(device: Device, head: string, { file, stored }: Spilled): Promise<boolean> {
    const reason = "larger than a message may be";
    if (!stored || !await this.#quarantine(device, reason, head, file)) return false;
    if (!file.full) {
      logger("attendance").warn(
        "A message of {sn} was too large and lies in the quarantine as {file}",
        { sn: device.sn, file: file.name },
      );
    }
    return true;
  }

  async #malformed(reason: string, raw: string, spilled?: Spilled): Promise<Answer> {
    const sn = spilled?.sn ?? this.senderOf(raw);
    const device = sn === undefined ? undefined : this.#context.devices.find(sn);
    if (device) await this.#quarantine(device, reason, raw, spilled?.file);
    return { silent: "malformed" };
  }

  async #quarantine(
    device: Device,
    reason: string,
    raw: string,
    file?: QuarantineFile,
  ): Promise<boolean> {
    await file?.finish();
    const stored = await this.#context.intake.store({
      device,
      protocol: "aiface",
      receivedMs: this.#context.clock.now(),
      ...(file?.entry(reason, raw) ?? { unreadable: [{ reason, raw }] }),
    });
    if (stored) await file?.keep();
    return stored;
  }

  /** The approved device a message comes from: the one it names, or the one that registered here. */
  #sender(sn: string | undefined): Device | undefined {
    const { devices } = this.#context;
    if (this.#device && (sn === undefined || sn === this.#device.sn)) {
      return this.#standing(this.#device) === "stranger" ? undefined : this.#device;
    }
    if (sn === undefined || !isSerial(sn)) return undefined;
    const device = devices.meet(sn, this.#encounter);
    const standing = this.#standing(device);
    // A device that does not register and sends at once is as good as one that does.
    if (device && !this.#device) this.#hold(device, standing);
    if (!device || standing === "stranger") return undefined;
    if (standing === "device") {
      this.#trusted = true;
      devices.heard(device);
    }
    return device;
  }

  /** This connection is the device's from now on, unless it may be another's who says its serial number. */
  #hold(device: Device, standing: Standing): void {
    if (!this.#link || (standing === "stranger" && device.approval === "approved")) return;
    const { devices } = this.#context;
    if (this.#device && this.#device !== device) devices.disconnected(this.#device, this);
    this.#device = device;
    this.#elsewhere = standing === "elsewhere";
    if (!this.#elsewhere) devices.connected(device, this);
  }

  #standing(device: Device | undefined): Standing {
    return this.#context.devices.standing(device, this.#address);
  }

  get #encounter(): Encounter {
    return { address: this.#address, protocol: "aiface" };
  }

  #isRepeated(device: Device, { head, items }: ScannedObject): boolean {
    const digest = hash("sha256", [head, ...items].join("\n"), "hex");
    const standing = this.#standing(device);
    if (device.shortMessages[standing] === digest) return true;
    device.shortMessages[standing] = digest;
    return false;
  }
}

/** Whether a message that was stored as it came is, in the end, what its beginning said. */
function isAsBegun(message: Exclude<Message, { kind: "malformed" }>, begun: Spilling): boolean {
  const punches = message.kind === "sendlog" ||
    (message.kind === "reply" && ASKED_FOR.has(message.to));
  return punches === begun.punches && (message.sn === undefined || message.sn === begun.sn);
}
