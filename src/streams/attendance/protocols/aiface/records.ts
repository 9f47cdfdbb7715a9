/** The records of one AiFace message, stored group by group as soon as the sender is known. @module */
import { createHash } from "node:crypto";
import type { Device } from "../../devices/device.ts";
import type { ProtocolContext } from "../context.ts";
import { readRecords } from "./decode.ts";

/** The sender of a message and what its records are, from its beginning. */
export interface RecordsOrigin {
  sn: string;
  /** Whether the records are punches; others are not kept. */
  punches: boolean;
}

export class MessageRecords {
  /** Set as soon as the beginning of the message contains it. */
  origin: RecordsOrigin | undefined;
  /** Whether the message has brought no records. */
  empty = true;
  /** Records so far. */
  count = 0;
  /** Whether the database has taken all of them. */
  stored = true;
  /** Bytes of groups that wait for the sender to be known. */
  heldBytes = 0;
  readonly #context: ProtocolContext;
  readonly #digest = createHash("sha256");
  readonly #days = new Set<string>();
  #held: string[] = [];

  constructor(context: ProtocolContext) {
    this.#context = context;
  }

  /** Days of the punches, as the device reported them, in order. */
  get days(): string[] {
    return [...this.#days].sort();
  }

  add(group: string): void {
    if (group === "") return;
    this.empty = false;
    this.#digest.update(group).update("\n");
    this.#held.push(group);
    this.heldBytes += group.length;
  }

  /** Drops the groups that are held: their records are not punches. */
  drop(): void {
    this.#held = [];
    this.heldBytes = 0;
  }

  /** The rest of the message is not stored. */
  fail(): void {
    this.stored = false;
    this.drop();
  }

  /** Stores the groups that are held, as punches of this device. After a failure the rest is dropped. */
  async store(device: Device, options: { believed: boolean }): Promise<void> {
    const groups = this.#held;
    this.drop();
    for (const group of groups) if (this.stored) await this.#store(device, { group, ...options });
  }

  digest(head: string): string {
    return this.#digest.update(head).digest("hex");
  }

  async #store(
    device: Device,
    { group, believed }: { group: string; believed: boolean },
  ): Promise<void> {
    const { clock, intake } = this.#context;
    const receivedMs = clock.now();
    const readings = readRecords(group, { zone: device.zone, receivedMs });
    const { punches, events, unreadable } = readings;
    this.count += punches.length + events.length + unreadable.length;
    for (const { deviceTime } of punches) this.#days.add(deviceTime.slice(0, 10));
    this.stored = await intake.store({
      device,
      protocol: "aiface",
      receivedMs,
      believed,
      ...readings,
    });
  }
}
