/**
 * Asks an AiFace device for the names of people who have none yet: which ids it holds, page by page, then the name of
 * each, one question a second at most. Nothing but ids and names is asked for, and an error ends it until the next day.
 * @module
 */
import type { Device } from "../../devices/device.ts";
import { namesDue } from "../../devices/names_due.ts";
import type { ProtocolContext } from "../context.ts";
import { enrollidOf, type Fields, usersIn } from "./decode.ts";

const ANSWER_MS = 20_000;
/** Pages of 40 credentials, of which a person may have several. */
const MAX_PAGES = 500;
/** Names of one day. */
const MAX_NAMES = 5_000;
/** Refusals of single names after which the device is left alone. */
const MAX_REFUSALS = 3;

/** An answer to `getuserlist` or `getusername`. */
export interface NameAnswer {
  to: string;
  result: boolean;
  fields: Fields;
  /** Its records, as text. */
  group: string;
}

type Asked = { cmd: "getuserlist" } | { cmd: "getusername"; id: string };

export class UserNames {
  readonly #send: (message: Fields) => void;
  readonly #context: ProtocolContext;
  /** Ids whose names are to be asked for. */
  readonly #ids = new Set<string>();
  #awaited: { asked: Asked; since: number } | undefined;
  #pages = 0;
  #lastPage = "";
  /** Whether there may be more pages. */
  #more = false;
  #refusals = 0;

  constructor(send: (message: Fields) => void, context: ProtocolContext) {
    this.#send = send;
    this.#context = context;
  }

  /** Whether an answer is waited for: nothing else may be asked then. */
  get busy(): boolean {
    return this.#awaited !== undefined;
  }

  /** Asks what is next, and gives up without an answer; called every second. */
  sweep(device: Device, { mayAsk }: { mayAsk: boolean }): void {
    const { clock, devices } = this.#context;
    if (this.#awaited) {
      if (clock.monotonic() - this.#awaited.since > ANSWER_MS) this.#stop();
      return;
    }
    if (!mayAsk) return;
    if (this.#more) return this.#ask({ cmd: "getuserlist" }, { stn: false });
    const [id] = this.#ids;
    if (id !== undefined) {
      this.#ids.delete(id);
      return this.#ask({ cmd: "getusername", id }, { enrollid: enrollidOf(id) });
    }
    if (!namesDue(device, clock)) return;
    device.namesAskedMs = clock.now();
    devices.changed(device);
    this.#stop();
    this.#ask({ cmd: "getuserlist" }, { stn: true });
  }

  async answered(device: Device, answer: NameAnswer): Promise<void> {
    const asked = this.#awaited?.asked;
    if (!asked || asked.cmd !== answer.to) return;
    this.#awaited = undefined;
    if (asked.cmd === "getuserlist") return this.#list(answer);
    const { result, fields: { record } } = answer;
    if (!result && ++this.#refusals >= MAX_REFUSALS) return this.#stop();
    if (!result || typeof record !== "string") return;
    const { intake, clock } = this.#context;
    const users = [{ personId: asked.id, name: record }];
    const receivedMs = clock.now();
    await intake.store({ device, protocol: "aiface", receivedMs, believed: true, users });
  }

  /** A page without records is the last; firmware differs on what `count` counts. */
  #list({ result, group }: NameAnswer): void {
    const isLast = !result || group === "" || group === this.#lastPage;
    this.#more = !isLast && ++this.#pages < MAX_PAGES;
    this.#lastPage = group;
    for (const { personId } of isLast ? [] : usersIn(group)) {
      if (this.#ids.size < MAX_NAMES && this.#context.nameOf(personId) === null) {
        this.#ids.add(personId);
      }
    }
  }

  #ask(asked: Asked, fields: Fields): void {
    this.#awaited = { asked, since: this.#context.clock.monotonic() };
    this.#send({ cmd: asked.cmd, ...fields });
  }

  #stop(): void {
    this.#ids.clear();
    this.#awaited = undefined;
    this.#more = false;
    this.#pages = this.#refusals = 0;
    this.#lastPage = "";
  }
}
