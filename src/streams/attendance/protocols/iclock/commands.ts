/**
 * Commands that wait until an iclock device asks for them. There are two: INFO and REBOOT.
 * Nothing that changes users, opens doors or runs programs is ever sent.
 * @module
 */
import type { Clock } from "../../../../core/mod.ts";

export type Command = "INFO" | "REBOOT";

interface Waiting {
  id: number;
  command: Command;
  offers: number;
  offeredAt: number;
}

/** A command whose answer does not come is offered again after this time. */
const REPEAT_MS = 5 * 60_000;
const MAX_OFFERS = 5;

export class CommandQueue {
  readonly #clock: Clock;
  readonly #devices = new Map<string, { lastId: number; waiting: Waiting[] }>();

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock;
  }

  /** Queues a command; the same one that waits already is not repeated. */
  add(sn: string, command: Command): void {
    const device = this.#devices.get(sn) ?? { lastId: 0, waiting: [] };
    this.#devices.set(sn, device);
    if (device.waiting.some((other) => other.command === command)) return;
    const id = ++device.lastId;
    device.waiting.push({ id, command, offers: 0, offeredAt: -Infinity });
  }

  /** The answer to a poll: `C:1:INFO` lines, or nothing. */
  offer(sn: string): string {
    const device = this.#devices.get(sn);
    if (!device) return "";
    const now = this.#clock.monotonic();
    device.waiting = device.waiting.filter(({ offers, offeredAt }) =>
      offers < MAX_OFFERS || now - offeredAt < REPEAT_MS
    );
    const due = device.waiting.filter(({ offeredAt }) => now - offeredAt >= REPEAT_MS);
    for (const waiting of due) {
      waiting.offers++;
      waiting.offeredAt = now;
    }
    return due.map(({ id, command }) => `C:${id}:${command}\n`).join("");
  }

  /**
   * A device has evidently done a command: some restart before they can report it, and would do it five times.
   * @returns false when it was not offered yet, and still is to be
   */
  settle(sn: string, command: Command): boolean {
    const device = this.#devices.get(sn);
    const waiting = device?.waiting.find((other) => other.command === command);
    if (!device || !waiting) return true;
    if (waiting.offers === 0) return false;
    this.close(sn, waiting.id);
    return true;
  }

  /** A device has done a command, or cannot. */
  close(sn: string, id: number): void {
    const device = this.#devices.get(sn);
    if (device) device.waiting = device.waiting.filter((waiting) => waiting.id !== id);
  }
}
