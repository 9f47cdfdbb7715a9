/**
 * What the hub is told of new events: how many there are and the newest of them, a few times a second at most,
 * because a busy program makes more events than a page can show.
 * @module
 */
import type { EventsMessage } from "../../contract/events.ts";
import { type Clock, Deadline, type Hub, Notifier } from "../../core/mod.ts";
import { itemOf } from "./event.ts";
import type { EventLog } from "./event_log.ts";

export interface AnnouncementsOptions {
  log: EventLog;
  hub: Hub;
  clock: Clock;
  modes: readonly string[];
}

/** How many events a piece of news carries. */
const NEWEST = 20;
const PAUSE_MS = 250;

export class Announcements {
  readonly #options: AnnouncementsOptions;
  readonly #wake = new Notifier();
  /** The last `seq` of each mode that was told. */
  readonly #told: Map<string, number>;

  constructor(options: AnnouncementsOptions) {
    this.#options = options;
    this.#told = new Map(options.modes.map((mode) => [mode, options.log.lastSeq(mode)]));
  }

  /** There are new events. */
  ring(): void {
    this.#wake.notify();
  }

  /** Tells until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      using deadline = new Deadline({ signal });
      if (!await deadline.met(this.#wake.notified())) return;
      this.#wake.reset();
      this.#tell();
      await this.#options.clock.wait(PAUSE_MS, { signal });
    }
  }

  #tell(): void {
    const { log, hub, modes } = this.#options;
    for (const mode of modes) {
      const told = this.#told.get(mode) ?? 0;
      const last = log.lastSeq(mode);
      if (last <= told) continue;
      this.#told.set(mode, last);
      const since = Math.max(told, last - NEWEST);
      const events = log.page(mode, { since, limit: NEWEST }).map(itemOf);
      const message: EventsMessage = { mode, last_seq: last, count: last - told, events };
      hub.publish("events", message);
    }
  }
}
