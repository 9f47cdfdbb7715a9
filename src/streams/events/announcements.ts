/** Publishes the number of new events and the newest of them to the hub, at most four times a second. @module */
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

/** Events in one message. */
const MAX_NEWEST = 20;
const PAUSE_MS = 250;

export class Announcements {
  readonly #options: AnnouncementsOptions;
  readonly #wake = new Notifier();
  /** The last published `seq` of each mode. */
  readonly #published: Map<string, number>;

  constructor(options: AnnouncementsOptions) {
    this.#options = options;
    this.#published = new Map(options.modes.map((mode) => [mode, options.log.lastSeq(mode)]));
  }

  /** There are new events. */
  ring(): void {
    this.#wake.notify();
  }

  /** Publishes until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      using deadline = new Deadline({ signal });
      if (!await deadline.met(this.#wake.notified())) return;
      this.#wake.reset();
      this.#publish();
      await this.#options.clock.wait(PAUSE_MS, { signal });
    }
  }

  #publish(): void {
    const { log, hub, modes } = this.#options;
    for (const mode of modes) {
      const published = this.#published.get(mode) ?? 0;
      const last = log.lastSeq(mode);
      if (last <= published) continue;
      this.#published.set(mode, last);
      const since = Math.max(published, last - MAX_NEWEST);
      const events = log.page(mode, { since, limit: MAX_NEWEST }).map(itemOf);
      const message: EventsMessage = { mode, last_seq: last, count: last - published, events };
      hub.publish("events", message);
    }
  }
}
