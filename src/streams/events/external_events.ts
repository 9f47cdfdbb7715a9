/**
 * Finds events that another program inserts into the table while the agent runs, by numbers above the last known one: one
 * index step per mode. Runs before numbers are given, before rows are read for the cloud, and every half second.
 * @module
 */
import { type Clock, every } from "../../core/mod.ts";
import type { StoredEvent } from "./event.ts";
import type { EventLog, SeqRange } from "./event_log.ts";

export interface ExternalEventsOptions {
  log: EventLog;
  modes: readonly string[];
  clock: Clock;
  /** Called for each mode with new events; `first` has at most `MAX_FIRST_EVENTS` of them. */
  onFound: (mode: string, found: SeqRange & { first: readonly StoredEvent[] }) => void;
}

const LOOK_MS = 500;
/** Events read once for all followers; of more, each follower reads the rest at its own pace. */
const MAX_FIRST_EVENTS = 200;

export class ExternalEvents {
  readonly #options: ExternalEventsOptions;

  constructor(options: ExternalEventsOptions) {
    this.#options = options;
    // Events present at the start are not new.
    for (const mode of options.modes) options.log.lastSeq(mode);
  }

  /** Reports new events. Reads only; inside `write`, it must run before events are appended. */
  look(): void {
    const { log, modes, onFound } = this.#options;
    for (const mode of modes) {
      const found = log.findExternal(mode);
      if (!found) continue;
      onFound(mode, {
        ...found,
        first: log.page(mode, { since: found.after, limit: MAX_FIRST_EVENTS }),
      });
    }
  }

  /** Looks until the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    return every(LOOK_MS, () => this.look(), { signal, name: "events", clock, later: true });
  }
}
