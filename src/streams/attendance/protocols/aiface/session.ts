/**
 * The session of one AiFace device, over WebSocket or HTTP: the answer to each message. An answer is an
 * acknowledgement, so it is sent only for what is stored; where the vendor's documents leave open what a refusal
 * does, the device gets no answer and sends again.
 * @module
 */
import { logger } from "../../../../core/mod.ts";
import { cloudTime } from "../../devices/clocks.ts";
import type { ProtocolContext } from "../context.ts";
import {
  type Contact,
  type Device,
  type DeviceLink,
  isSerial,
  type Trust,
} from "../../devices/device.ts";
import { integerOrNull } from "../../storage/parsed.ts";
import { answerCommand, type CommandAnswer } from "./commands.ts";
import {
  type AifaceMessage,
  ASKED_FOR,
  decodeMessage,
  type DeviceInfo,
  type Fields,
  singleRecord,
} from "./decode.ts";
import { AifaceCommands } from "./device_commands.ts";
import { PullSchedule } from "./pull_schedule.ts";
import { MessageRecords, type RecordsOrigin } from "./records.ts";
import type { Scanned, ScannedObject } from "./scan.ts";
import { UserNames } from "./user_names.ts";

/** The WebSocket of a session; over HTTP the device cannot be asked. */
export interface SessionLink {
  send(text: string): void;
  close(reason: string): void;
}

/** Clock skew above which there is a warning. */
const MAX_SILENT_SKEW_MS = 60_000;

export class AifaceSession implements DeviceLink {
  readonly #context: ProtocolContext;
  readonly #address: string;
  readonly #link: SessionLink | undefined;
  readonly #pulls: PullSchedule | undefined;
  readonly #commands: AifaceCommands | undefined;
  readonly #names: UserNames | undefined;
  #device: Device | undefined;
  /** Whether its device is at another address than its own. */
  #elsewhere = false;
  /** Whether an approved device at its own address has sent something here, registered or not. */
  trusted = false;
  /** Records of the message that is being received. */
  #records: MessageRecords | undefined;

  constructor(
    context: ProtocolContext,
    { address, link }: { address: string; link?: SessionLink },
  ) {
    this.#context = context;
    this.#address = address;
    this.#link = link;
    if (link) {
      const send = (command: Fields) => link.send(JSON.stringify(command));
      this.#pulls = new PullSchedule(send, context);
      this.#commands = new AifaceCommands(send, context);
      this.#names = new UserNames(send, context);
    }
  }

  async take(scanned: Scanned): Promise<CommandAnswer> {
    const records = this.#records ??= new MessageRecords(this.#context);
    if (scanned.kind === "records") {
      records.add(scanned.group);
      records.origin ??= this.#originOf(scanned.head);
      if (records.origin) await this.#store(records, records.origin);
      return { silent: "nothing" };
    }
    this.#records = undefined;
    return scanned.kind === "garbage"
      ? await this.#malformed("no JSON object", scanned.text, records)
      : await this.#answer(scanned, records);
  }

  async #answer({ head, group }: ScannedObject, records: MessageRecords): Promise<CommandAnswer> {
    records.add(group);
    const message = decodeMessage(head);
    if (message.kind === "malformed") return await this.#malformed(message.reason, head, records);
    if (records.origin && !isFrom(records.origin, message)) {
      return await this.#malformed("its end contradicts its beginning", head, records);
    }
    if (message.kind === "reg") return this.#register(message.sn, message.info);
    const device = this.#sender(message.sn);
    if (!device) return { silent: "unknown" };
    if (message.kind === "command") {
      const believed = this.#trust(device) === "full";
      return await answerCommand(this.#context, device, { ...message, believed });
    }
    if (records.empty) records.add(singleRecord(head));
    return message.kind === "sendlog"
      ? await this.#sendlog(device, message, { head, records })
      : await this.#reply(device, message, { group, records });
  }

  get heldBytes(): number {
    return this.#records?.heldBytes ?? 0;
  }

  /** Serial number of the fully trusted device that sends a message which begins like this. */
  senderOf(head: string): string | undefined {
    const sn = /"\s*sn\s*"\s*:\s*"([^"]*)"/.exec(head)?.[1]?.trim();
    const device = sn === undefined ? this.#device : this.#context.devices.find(sn);
    return this.#trust(device) === "full" ? device?.sn : undefined;
  }

  #originOf(head: string): RecordsOrigin | undefined {
    const sn = this.senderOf(head);
    const word = /"\s*(?:cmd|ret)\s*"\s*:\s*"\s*([^"]*?)\s*"/.exec(head)?.[1];
    if (sn === undefined || word === undefined) return undefined;
    return { sn, punches: word === "sendlog" || ASKED_FOR.has(word) };
  }

  async #store(records: MessageRecords, { sn, punches }: RecordsOrigin): Promise<void> {
    const device = this.#context.devices.find(sn);
    if (!punches) return records.drop();
    // Refused since the message began: never acknowledged.
    if (device?.approval !== "approved") return records.fail();
    await records.store(device, { believed: true });
  }

  resync(): void {
    if (this.#device) this.#pulls?.resync(this.#device);
  }

  close(reason: string): void {
    this.#link?.close(reason);
  }

  /** The device has sent something, at least a pong. */
  seen(): void {
    if (this.#device && this.believed) this.#context.devices.seen(this.#device);
  }

  get identified(): boolean {
    return this.#device !== undefined;
  }

  /** Whether it is an approved device at its own address, now. */
  get believed(): boolean {
    return this.#trust(this.#device) === "full";
  }

  /** The connection has ended. */
  end(): void {
    if (this.#device) this.#context.devices.disconnected(this.#device, this);
    this.#device = undefined;
    this.#records = undefined;
  }

  /** Asks for missed punches when it is time; called every second. */
  sweep(): void {
    if (this.#device && this.#elsewhere) this.#settle(this.#device);
    if (this.#device) this.#pulls?.begin(this.#device);
    const mayAsk = !this.#pulls?.puller.busy;
    if (this.#device && this.believed) {
      this.#commands?.sweep(this.#device, { mayAsk: mayAsk && !this.#names?.busy });
      this.#names?.sweep(this.#device, { mayAsk: mayAsk && !this.#commands?.busy });
    }
    if (!this.#commands?.busy && !this.#names?.busy) this.#pulls?.puller.sweep();
  }

  #register(sn: string, info: DeviceInfo): CommandAnswer {
    const { devices, clock } = this.#context;
    if (!isSerial(sn)) {
      return { send: { ret: "reg", result: false, reason: "serial number not valid" } };
    }
    const seenBefore = devices.find(sn)?.lastSeenMs ?? null;
    const device = devices.identify(sn, this.#contact);
    const trust = this.#trust(device);
    if (device) this.#hold(device, trust);
    if (!device || trust === "none") {
      return { send: { ret: "reg", result: false, reason: "device not allowed" } };
    }
    const cloudtime = cloudTime(this.#context, device.zone);
    const welcome: CommandAnswer = {
      send: { ret: "reg", result: true, ...(cloudtime && { cloudtime }), nosenduser: true },
    };
    if (trust === "punches") return welcome;
    this.trusted = true;
    device.model = info.model ?? device.model;
    device.firmware = info.firmware ?? device.firmware;
    device.mac = info.mac ?? device.mac;
    device.backlog = info.backlog ?? device.backlog;
    const time = info.time === null ? undefined : device.zone.normalise(info.time);
    if (time !== undefined) device.compareClock(time, clock.now());
    if (Math.abs(device.skewMs ?? 0) > MAX_SILENT_SKEW_MS) {
      const seconds = Math.round(device.skewMs! / 1_000);
      this.#context.logThrottle.log(`clock ${sn}`, (more) => {
        logger("attendance").warn("The clock of {sn} is {seconds} s off{more}", {
          sn,
          seconds,
          more,
        });
      });
    }
    devices.seen(device);
    devices.changed(device);
    this.#commands?.registered(device);
    this.#pulls?.start(device, seenBefore);
    if (cloudtime) device.sentOffset = device.zone.offsetMinutesAt(clock.now());
    return welcome;
  }

  /** A device at another address is trusted here once it has moved. */
  #settle(device: Device): void {
    const seenBefore = device.lastSeenMs;
    this.#context.devices.identify(device.sn, this.#contact);
    if (!this.believed) return;
    this.#hold(device, "full");
    this.#pulls?.start(device, seenBefore);
  }

  async #sendlog(
    device: Device,
    { count, logIndex }: Extract<AifaceMessage, { kind: "sendlog" }>,
    { head, records }: { head: string; records: MessageRecords },
  ): Promise<CommandAnswer> {
    await records.store(device, { believed: this.#trust(device) === "full" });
    if (!records.stored) return { silent: "storage" };
    const announced = count ?? records.count;
    if (announced > records.count && !this.#isRepeated(device, records.digest(head))) {
      return { silent: "incomplete" };
    }
    if (announced > records.count) {
      // Sent twice with fewer records than announced: what is missing is fetched by its day.
      this.#pulls?.askAgain(device, records.days);
    }
    if (device.backlog !== null && this.#trust(device) === "full") {
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
    { to, result, fields }: Extract<AifaceMessage, { kind: "reply" }>,
    { group, records }: { group: string; records: MessageRecords },
  ): Promise<CommandAnswer> {
    if (this.believed) {
      this.#commands?.answered(device, { to, result, fields });
      await this.#names?.answered(device, { to, result, fields, group });
    }
    if (to !== "getalllog" && to !== "getnewlog") return { silent: "nothing" };
    await records.store(device, { believed: this.#trust(device) === "full" });
    this.#pulls?.puller.answered({
      records: records.stored ? records.count : 0,
      count: integerOrNull(fields.count),
      from: integerOrNull(fields.from),
      to: integerOrNull(fields.to),
      result,
    }, { stored: records.stored });
    return { silent: "nothing" };
  }

  async #malformed(
    reason: string,
    raw: string,
    { origin }: MessageRecords,
  ): Promise<CommandAnswer> {
    const sn = origin?.sn ?? this.senderOf(raw);
    const device = sn === undefined ? undefined : this.#context.devices.find(sn);
    if (device) {
      await this.#context.intake.store({
        device,
        protocol: "aiface",
        receivedMs: this.#context.clock.now(),
        unreadable: [{ reason, raw }],
      });
    }
    return { silent: "malformed" };
  }

  /** The approved device that sends a message: the one it names, or the one that registered here. */
  #sender(sn: string | undefined): Device | undefined {
    const { devices } = this.#context;
    if (this.#device && (sn === undefined || sn === this.#device.sn)) {
      return this.#trust(this.#device) === "none" ? undefined : this.#device;
    }
    if (sn === undefined || !isSerial(sn)) return undefined;
    const device = devices.identify(sn, this.#contact);
    const trust = this.#trust(device);
    // Registering is not required.
    if (device && !this.#device) this.#hold(device, trust);
    if (!device || trust === "none") return undefined;
    if (trust === "full") {
      this.trusted = true;
      devices.seen(device);
    }
    return device;
  }

  /** This connection is the device's from now on, unless a stranger may use its serial number. */
  #hold(device: Device, trust: Trust): void {
    if (!this.#link || (trust === "none" && device.approval === "approved")) return;
    const { devices } = this.#context;
    if (this.#device && this.#device !== device) devices.disconnected(this.#device, this);
    this.#device = device;
    this.#elsewhere = trust === "punches";
    if (!this.#elsewhere) devices.connected(device, this);
  }

  #trust(device: Device | undefined): Trust {
    return this.#context.devices.trust(device, this.#address);
  }

  get #contact(): Contact {
    return { address: this.#address, protocol: "aiface" };
  }

  #isRepeated(device: Device, digest: string): boolean {
    const trust = this.#trust(device);
    if (device.shortMessages[trust] === digest) return true;
    device.shortMessages[trust] = digest;
    return false;
  }
}

/** Whether a message whose first records were stored is, at its end, what it began as. */
function isFrom(
  { sn, punches }: RecordsOrigin,
  message: Exclude<AifaceMessage, { kind: "malformed" }>,
): boolean {
  const brings = message.kind === "sendlog" ||
    (message.kind === "reply" && ASKED_FOR.has(message.to));
  return brings === punches && (message.sn === undefined || message.sn === sn);
}
