/**
 * Sends an AiFace device what people ask of it, one command at a time: the protocol has no request ids. The rest of
 * the vendor's list deletes people, punches or settings, or opens the door, and is never sent.
 * @module
 */
import type { DeviceCommand } from "../../../../contract/attendance.ts";
import { cloudTime } from "../../devices/clocks.ts";
import type { Device } from "../../devices/device.ts";
import type { ProtocolContext } from "../context.ts";
import { enrollidOf, type Fields } from "./decode.ts";

const ANSWER_MS = 20_000;
/** The commands that devices answer, by the name in the answer. */
const ANSWERS: Readonly<Record<string, DeviceCommand["command"]>> = {
  settime: "set_clock",
  setusername: "send_name",
};

export class AifaceCommands {
  readonly #send: (message: Fields) => void;
  readonly #context: ProtocolContext;
  #awaited: { command: DeviceCommand; since: number } | undefined;

  constructor(send: (message: Fields) => void, context: ProtocolContext) {
    this.#send = send;
    this.#context = context;
  }

  /** Whether an answer is waited for: nothing else may be asked then. */
  get busy(): boolean {
    return this.#awaited !== undefined;
  }

  /** The device has registered, which it does after a restart. */
  registered({ sn }: Device): void {
    this.#context.commands.settle(sn, "restart", "restarted");
  }

  /** Sends what is next, and gives up on what stays without answer; called every second. */
  sweep(device: Device, { mayAsk }: { mayAsk: boolean }): void {
    const { clock, commands } = this.#context;
    if (this.#awaited) {
      if (clock.monotonic() - this.#awaited.since <= ANSWER_MS) return;
      commands.end(this.#awaited.command, "failed", "the device did not answer in 20 seconds");
      this.#awaited = undefined;
    }
    for (const command of mayAsk ? [...commands.open(device.sn)] : []) {
      // These two have no answer: the device registers again, or has sent all that it holds.
      const answered = command.command === "set_clock" || command.command === "send_name";
      if (!answered && command.state === "sent") continue;
      const message = this.#messageOf(command, device);
      if (typeof message === "string") {
        commands.end(command, "failed", message);
        continue;
      }
      commands.sent(command);
      if (!message) continue;
      this.#send(message);
      if (answered) this.#awaited = { command, since: clock.monotonic() };
      return;
    }
  }

  answered(
    device: Device,
    { to, result, fields }: { to: string; result: boolean; fields: Fields },
  ): void {
    const awaited = this.#awaited?.command;
    if (!awaited || ANSWERS[to] !== awaited.command) return;
    this.#awaited = undefined;
    const { commands, clock } = this.#context;
    if (!result) {
      const reason = ["string", "number"].includes(typeof fields.reason)
        ? `: ${fields.reason}`
        : "";
      return commands.end(awaited, "failed", `the device refused${reason}`.slice(0, 200));
    }
    if (awaited.command === "set_clock") {
      device.sentOffset = device.zone.offsetMinutesAt(clock.now());
    }
    commands.end(
      awaited,
      "done",
      awaited.command === "set_clock" ? "set its clock" : "took the name",
    );
  }

  /** What is sent; undefined where the pull for it is under way; text: why nothing can be. */
  #messageOf({ command, person_id }: DeviceCommand, device: Device): Fields | undefined | string {
    switch (command) {
      case "restart":
        return { cmd: "reboot" };
      case "read_log":
        return undefined;
      case "set_clock": {
        const cloudtime = cloudTime(this.#context, device.zone);
        return cloudtime === undefined
          ? "this machine's own clock is in doubt"
          : { cmd: "settime", cloudtime };
      }
      case "send_name": {
        const id = person_id ?? "";
        const name = this.#context.nameOf(id);
        if (name === null) return "the person has no name any more";
        return { cmd: "setusername", count: 1, record: [{ enrollid: enrollidOf(id), name }] };
      }
    }
  }
}
