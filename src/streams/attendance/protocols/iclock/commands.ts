/**
 * Commands that wait until an iclock device asks for them: those of this program, which are INFO, REBOOT and the query
 * for names, and those that a person asked for. Nothing that opens doors, touches templates or runs programs is ever sent.
 * @module
 */
import type { DeviceCommand } from "../../../../contract/attendance.ts";
import type { ProtocolContext } from "../context.ts";

type Context = Pick<ProtocolContext, "clock" | "commands" | "nameOf">;

interface Waiting {
  id: number;
  line: string;
  offers: number;
  offeredAt: number;
  /** Whether the device has answered; what it was to do is still to be seen. */
  answered?: true;
  /** By a person; its outcome is kept. */
  asked?: DeviceCommand;
}

/** Asks for ids and names; what else stands in the lines that answer it is dropped. */
const NAMES = "DATA QUERY USERINFO";
/** A command whose answer does not come is offered again after this time. */
const REPEAT_MS = 5 * 60_000;
const MAX_OFFERS = 5;
/** Commands in one answer: devices have little memory. */
const MAX_LINES = 20;

export class CommandQueue {
  readonly #context: Context;
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Queues a command of this program; the same one that waits already is not repeated. */
  add(sn: string, line: "INFO" | "REBOOT"): void {
    const waiting = this.#waitingOf(sn);
    if (waiting.some((other) => other.line === line && !other.asked)) return;
    waiting.push({ id: this.#context.commands.nextId(), line, offers: 0, offeredAt: -Infinity });
  }

  /** Queues the query for names, which is offered once; false where something else waits. */
  addNames(sn: string): boolean {
    if (this.#context.commands.open(sn).length > 0 || this.#waitingOf(sn).length > 0) return false;
    const id = this.#context.commands.nextId();
    this.#waitingOf(sn).push({ id, line: NAMES, offers: 0, offeredAt: -Infinity });
    return true;
  }

  /** The answer to a poll: `C:1:INFO` lines, or nothing. */
  offer(sn: string): string {
    const now = this.#context.clock.monotonic();
    this.#takeAsked(sn, now);
    const kept: Waiting[] = [];
    for (const waiting of this.#waitingOf(sn)) {
      const { offers, offeredAt, answered, line } = waiting;
      const maxOffers = line === NAMES ? 1 : MAX_OFFERS;
      if (answered || offers < maxOffers || now - offeredAt < REPEAT_MS) kept.push(waiting);
      else if (waiting.asked) {
        const result = `the device took it ${MAX_OFFERS} times and did not answer`;
        this.#context.commands.end(waiting.asked, "failed", result);
      }
    }
    this.#waiting.set(sn, kept);
    const due = kept.filter(({ offeredAt, answered }) => !answered && now - offeredAt >= REPEAT_MS)
      .slice(0, MAX_LINES);
    for (const waiting of due) {
      waiting.offers++;
      waiting.offeredAt = now;
      if (waiting.asked) this.#context.commands.sent(waiting.asked);
    }
    return due.map(({ id, line }) => `C:${id}:${line}\n`).join("");
  }

  /**
   * A device has evidently restarted: some do before they can report it, and would do it five times.
   * @returns false when a restart was not offered yet, and still is to be
   */
  restarted(sn: string): boolean {
    const all = this.#waitingOf(sn).filter(({ line }) => line === "REBOOT");
    const offered = all.filter(({ offers }) => offers > 0);
    for (const { id } of offered) this.close(sn, id, 0);
    return offered.length === all.length;
  }

  /** A device has done a command, or cannot: its return code. */
  close(sn: string, id: number, code: number | null): void {
    const all = this.#waitingOf(sn);
    const closed = all.find((waiting) => waiting.id === id);
    if (!closed) return;
    const { asked } = closed;
    const failed = code !== null && code < 0;
    if (asked?.command === "read_log" && !failed) {
      // Its next handshake shows it.
      closed.answered = true;
      return;
    }
    this.#waiting.set(sn, all.filter((waiting) => waiting !== closed));
    if (!asked) return;
    if (failed) this.#context.commands.end(asked, "failed", reasonOf(code));
    else this.#context.commands.end(asked, "done", DONE[asked.command]);
  }

  /** What people have asked for since, and before this program was restarted. */
  #takeAsked(sn: string, now: number): void {
    const open = this.#context.commands.open(sn);
    const waiting = this.#waitingOf(sn).filter(({ asked }) => !asked || open.includes(asked));
    this.#waiting.set(sn, waiting);
    const known = new Set(waiting.map(({ asked }) => asked));
    for (const asked of open) {
      if (known.has(asked)) continue;
      const line = lineOf(asked, this.#context.nameOf);
      if (line === undefined) {
        this.#context.commands.end(asked, "failed", "the person has no name any more");
        continue;
      }
      // It has it already: a restart must not be repeated at once.
      const sent = asked.state === "sent";
      waiting.push({
        id: asked.id,
        line,
        offers: sent ? 1 : 0,
        offeredAt: sent ? now : -Infinity,
        asked,
      });
    }
  }

  #waitingOf(sn: string): Waiting[] {
    const waiting = this.#waiting.get(sn) ?? [];
    this.#waiting.set(sn, waiting);
    return waiting;
  }
}

const DONE = {
  restart: "restarted",
  read_log: "sends its punches again",
  set_clock: "read its options again, and set its clock by them",
  send_name: "took the name",
};

/** `CHECK` has a device read its options again, which has the time zone, and send what it holds from its stamps on. */
function lineOf(
  { command, person_id }: DeviceCommand,
  nameOf: Context["nameOf"],
): string | undefined {
  switch (command) {
    case "restart":
      return "REBOOT";
    case "set_clock":
    case "read_log":
      return "CHECK";
    case "send_name": {
      const name = nameOf(person_id ?? "");
      return name === null
        ? undefined
        : `DATA UPDATE USERINFO PIN=${value(person_id ?? "")}\tName=${value(name)}`;
    }
  }
}

/** A value inside a command: TAB would begin another field, LF another command. */
function value(text: string): string {
  return text.replace(/\p{C}+/gu, " ").trim();
}

/** Return codes as devices were seen to use them. */
function reasonOf(code: number): string {
  const meaning: Readonly<Record<number, string>> = {
    [-1]: "it cannot do this, or has no such data",
    [-2]: "it cannot read or write its file",
    [-1002]: "it does not understand the command",
    [-1004]: "it has no such table",
  };
  return `the device answered ${code}: ${meaning[code] ?? "it gave no reason"}`;
}
