/**
 * The iclock push protocol of ZKTeco and eSSL devices: plain HTTP under a path that ends in `/iclock/<name>`, some
 * firmware with `.aspx` behind it. `OK: n` acknowledges n lines, including those that could not be parsed: a device that reads fewer
 * sends all of them again without end.
 * @module
 */
import { logger } from "../../../../core/mod.ts";
import { maySetClocks } from "../../devices/clocks.ts";
import { namesDue } from "../../devices/names_due.ts";
import type { ProtocolContext } from "../context.ts";
import { type Device, isSerial, type Trust } from "../../devices/device.ts";
import type { Connection } from "../../listener/connection.ts";
import { bodyPieces, type HttpAnswer, type RequestHead } from "../../listener/http.ts";
import { redactText } from "../../storage/redact.ts";
import { CommandQueue } from "./commands.ts";
import { noteDeviceInfo, printable } from "./device_info.ts";
import { LineScanner } from "./lines.ts";
import { optionBlock } from "./options.ts";
import { receiveTable } from "./tables.ts";

const OK: HttpAnswer = { status: 200, body: "OK" };
/** Logged of a request that is not handled. */
const LOGGED_BYTES = 1024;

/** One request, as far as it is read before its body. */
interface Request {
  head: RequestHead;
  /** `cdata`, `getrequest`, … */
  name: string;
  query: ReadonlyMap<string, string>;
  /** Undefined without trust. */
  device: Device | undefined;
  trust: Trust;
  sn: string;
}

export class IclockRouter {
  readonly commands: CommandQueue;
  readonly #context: ProtocolContext;

  constructor(context: ProtocolContext) {
    this.#context = context;
    this.commands = new CommandQueue(context);
    for (const { sn, resync, protocol } of context.devices.all()) {
      if (resync && protocol === "iclock") this.commands.add(sn, "REBOOT");
    }
  }

  /** The answer to a request; undefined when the connection ended in the middle of it. */
  async answer(connection: Connection, head: RequestHead): Promise<HttpAnswer | undefined> {
    const name = endpointOf(head.path) ?? "";
    const query = new Map([...head.query].map(([key, value]) => [key.toLowerCase(), value.trim()]));
    const sn = query.get("sn") ?? "";
    if (!isSerial(sn)) {
      return await this.#drained(connection, head, {
        status: 400,
        body: "serial number not valid\n",
      });
    }
    const { devices } = this.#context;
    const met = devices.identify(sn, { address: connection.address, protocol: "iclock" });
    const trust = devices.trust(met, connection.address);
    const device = trust === "none" ? undefined : met;
    if (device && trust === "full") {
      devices.seen(device);
      connection.recognise();
    }

    const request: Request = { head, name, query, device, trust, sn };
    if (name === "cdata" && head.method === "GET") {
      return await this.#drained(connection, head, await this.#handshake(request));
    }
    if (name === "cdata" && head.method === "POST") return await this.#table(connection, request);
    if (name === "getrequest") return await this.#drained(connection, head, this.#offer(request));
    if (name === "devicecmd") return await this.#done(connection, request);
    return await this.#other(connection, request);
  }

  async #handshake({ sn, device, trust, query }: Request): Promise<HttpAnswer> {
    const { intake, clock } = this.#context;
    const pushVersion = query.get("pushver");
    const offsetMinutes = device && maySetClocks(this.#context)
      ? device.zone.offsetMinutesAt(clock.now())
      : undefined;
    const answer = (attlog: string, operlog: string): HttpAnswer => ({
      status: 200,
      body: optionBlock({ sn, stamps: { attlog, operlog }, offsetMinutes }),
    });
    // A stamp is sent only to the address that reported it.
    if (!device || trust !== "full") return answer("0", "0");
    if (offsetMinutes !== undefined) device.sentOffset = offsetMinutes;
    if (pushVersion && !device.firmware) this.commands.add(sn, "INFO");
    const restarted = this.commands.restarted(sn);
    const again = device.resync;
    if (again && restarted) await this.#beginAgain(device);
    const stamp = (table: string) => again ? "0" : intake.stamp(sn, table) ?? "0";
    return answer(stamp("ATTLOG"), stamp("OPERLOG"));
  }

  /** The device is requested to send everything; again at its next handshake if that cannot be stored. */
  async #beginAgain(device: Device): Promise<void> {
    const { devices, intake, commands } = this.#context;
    const { sn } = device;
    try {
      await intake.forgetStamps(sn);
      devices.resynced(device);
      commands.settle(sn, "read_log", "sends its punches again");
    } catch (error) {
      logger("attendance").error("Cannot forget how far {sn} has come: {error}", { sn, error });
    }
  }

  async #table(connection: Connection, request: Request): Promise<HttpAnswer | undefined> {
    const { head, device, trust, query } = request;
    // Not stored, so never acknowledged: the device keeps its punches until someone approves it.
    if (!device) {
      return await this.#drained(connection, head, {
        status: 503,
        body: "device not allowed\n",
      });
    }
    const table = (query.get("table") ?? "").toUpperCase();
    const believed = trust === "full";
    const post = { connection, head, device, believed, table, query };
    const received = await receiveTable(this.#context, post);
    if (received === "hung up") return undefined;
    if (received === "not stored") {
      return device.nackStatus === 200
        ? { status: 200, body: "ERROR: storage" }
        : { status: 503, body: "ERROR: storage" };
    }
    // A device that reads 0 sends all of it again at once.
    return { status: 200, body: `OK: ${Math.max(1, received.lines)}` };
  }

  #offer({ sn, device, trust, query }: Request): HttpAnswer {
    if (!device || trust !== "full") return OK;
    const firmware = printable(query.get("info")?.split(",")[0] ?? "");
    if (firmware && firmware !== device.firmware) {
      device.firmware = firmware;
      this.#context.devices.changed(device);
    }
    const { clock, devices } = this.#context;
    if (namesDue(device, clock) && this.commands.addNames(sn)) {
      device.namesAskedMs = clock.now();
      devices.changed(device);
    }
    return { status: 200, body: this.commands.offer(sn) || "OK" };
  }

  /** `ID=1&Return=0&CMD=INFO` lines; after an INFO, the device's model and firmware. */
  async #done(
    connection: Connection,
    { head, sn, device, trust }: Request,
  ): Promise<HttpAnswer | undefined> {
    const lines = new LineScanner();
    const body: string[] = [];
    const complete = await this.#eachPiece(connection, head, (bytes) => {
      for (const group of lines.push(bytes)) if (body.length < 1_000) body.push(...group);
    });
    if (!complete) return undefined;
    body.push(...lines.end());
    if (!device || trust !== "full") return OK;
    for (const line of body) {
      const id = /(?:^|&)ID=(\d{1,9})(?:&|$)/i.exec(line)?.[1];
      const code = /(?:^|&)Return=(-?\d{1,9})(?:&|$)/i.exec(line)?.[1];
      if (id !== undefined) {
        this.commands.close(sn, Number(id), code === undefined ? null : Number(code));
      }
      noteDeviceInfo(device, line);
    }
    this.#context.devices.changed(device);
    return OK;
  }

  /** Pings, PUSH 3.x registrations and all else: logged and answered with OK. */
  async #other(
    connection: Connection,
    { head, name, sn }: Request,
  ): Promise<HttpAnswer | undefined> {
    let text = "";
    const complete = await this.#eachPiece(connection, head, (bytes) => {
      if (text.length < LOGGED_BYTES) {
        text += String.fromCharCode(...bytes.subarray(0, LOGGED_BYTES));
      }
    });
    if (!complete) return undefined;
    logger("attendance").debug("{sn} {method} /iclock/{name}: {body}", {
      sn,
      method: head.method,
      name,
      body: redactText(text.slice(0, LOGGED_BYTES)),
    });
    return OK;
  }

  /** The answer to a request whose body is not used. */
  async #drained(
    connection: Connection,
    head: RequestHead,
    answer: HttpAnswer,
  ): Promise<HttpAnswer | undefined> {
    return await this.#eachPiece(connection, head, () => {}) ? answer : undefined;
  }

  async #eachPiece(
    connection: Connection,
    head: RequestHead,
    use: (bytes: Uint8Array) => void,
  ): Promise<boolean> {
    const { strangerBytes: limit } = this.#context.quota.limits;
    const body = bodyPieces(connection, head, { limit });
    for (;;) {
      const { done, value } = await body.next();
      if (done) return value.complete;
      use(value);
    }
  }
}

/** `/iclock/cdata`, `/iclock/cdata.aspx`, `/acme/iclock/cdata` → `cdata`: what stands before is the server's affair. */
export function endpointOf(path: string): string | undefined {
  return /\/iclock\/+([a-z0-9_]{1,32})(?:\.aspx)?\/*$/i.exec(path)?.[1]?.toLowerCase();
}
