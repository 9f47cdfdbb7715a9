/**
 * Events that another program inserts into the table while the agent runs. They show by their numbers, above the last
 * that is known: one step in an index for each mode, however large the table is. Looked for before numbers are given,
 * before rows are read for the cloud, and otherwise every half second.
 * @module
 */
import { type Clock, every } from "../../core/mod.ts";
import type { StoredEvent } from "./event.ts";
import type { EventLog, SeqRange } from "./event_log.ts";

export interface ExternalEventsOptions {
  log: EventLog;
  modes: readonly string[];
  clock: Clock;
  /** Called for each mode with new events; `first` are the first of them, all when there are at most 200. */
  onFound: (mode: string, found: SeqRange & { first: readonly StoredEvent[] }) => void;
}

const LOOK_MS = 500;
/** Read here, once for everyone; with more, each follower reads at its own pace. */
const MAX_FIRST_EVENTS = 200;

export class ExternalEvents {
  readonly #options: ExternalEventsOptions;

  constructor(options: ExternalEventsOptions) {
    this.#options = options;
    // Events present at the start are not reported.
    for (const mode of options.modes) options.log.lastSeq(mode);
  }

  /** Finds what has come since the last look. Reads only; inside `write`, before the events that it appends. */
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
