/**
 * Events on their way in: the requests that wait are appended together, in the order in which they came, and
 * each is answered once its events are committed. A request is stored whole or not at all.
 * @module
 */
import { type Store, storeErrorKind, type TableOutbox } from "../../../store/mod.ts";
import type { NewEvent } from "../event.ts";
import type { AcceptedEvent } from "../../../contract/events.ts";
import type { Appended, EventLog } from "../event_log.ts";

interface Waiting {
  events: readonly NewEvent[];
  critical: boolean;
  resolve: (accepted: readonly AcceptedEvent[]) => void;
  reject: (reason: unknown) => void;
}

export interface IngestOptions {
  store: Store;
  log: EventLog;
  outbox: Pick<TableOutbox, "added">;
  criticalSubtypes: readonly string[];
  /** Called inside `write` before events are appended. */
  beforeAppend: () => void;
  /** Called with new events as soon as they are committed, before their request is answered. */
  onAppended: (appended: Appended) => void;
}

/** Events of requests that are appended together, in about 6 ms; a larger request is appended alone, in up to 12. */
const MAX_GROUP_EVENTS = 500;

export class Ingest {
  readonly #store: Store;
  readonly #log: EventLog;
  readonly #outbox: Pick<TableOutbox, "added">;
  readonly #critical: ReadonlySet<string>;
  readonly #beforeAppend: () => void;
  readonly #onAppended: (appended: Appended) => void;
  #waiting: Waiting[] = [];
  #writing = false;

  constructor(options: IngestOptions) {
    const { store, log, outbox, criticalSubtypes, beforeAppend, onAppended } = options;
    this.#store = store;
    this.#log = log;
    this.#outbox = outbox;
    this.#critical = new Set(criticalSubtypes);
    this.#beforeAppend = beforeAppend;
    this.#onAppended = onAppended;
  }

  /** Stores the events of one request; resolves once they are committed, a critical one on the disk itself. */
  add(events: readonly NewEvent[]): Promise<readonly AcceptedEvent[]> {
    if (events.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const critical = events.some(({ subtype }) => this.#critical.has(subtype));
      this.#waiting.push({ events, critical, resolve, reject });
      if (!this.#writing) void this.#write();
    });
  }

  async #write(): Promise<void> {
    this.#writing = true;
    // After a failure requests go one by one, so that one bad request does not fail its neighbours.
    let alone = 0;
    while (this.#waiting.length > 0) {
      const durable = this.#waiting.some(({ critical }) => critical);
      let group: Waiting[] = [];
      try {
        const accepted = await this.#store.write(() => {
          // Chosen only now, so that what came while the queue was busy is in it.
          group = this.#next({ durable, most: alone > 0 ? 1 : MAX_GROUP_EVENTS });
          const events = group.length === 1
            ? group[0]!.events
            : group.flatMap(({ events }) => events);
          this.#beforeAppend();
          const appended = this.#log.append(events);
          const { accepted } = appended;
          this.#outbox.added(accepted.filter(({ duplicate }) => !duplicate).length);
          this.#store.afterCommit(() => this.#onAppended(appended));
          return accepted;
        }, { durable });
        this.#waiting.splice(0, group.length);
        alone = Math.max(0, alone - 1);
        let from = 0;
        for (const { events, resolve } of group) {
          resolve(accepted.slice(from, from += events.length));
        }
      } catch (error) {
        if (group.length > 1 && (storeErrorKind(error) ?? "other") === "other") {
          alone = group.length;
          continue;
        }
        // The closure did not even run when the transaction could not begin.
        const failed = group.length > 0 ? group : [...this.#waiting];
        this.#waiting.splice(0, failed.length);
        alone = Math.max(0, alone - 1);
        for (const { reject } of failed) reject(error);
      }
    }
    this.#writing = false;
  }

  /** The first requests that fit: without the disk's word, only up to the first critical one. */
  #next({ durable, most }: { durable: boolean; most: number }): Waiting[] {
    const group: Waiting[] = [];
    let events = 0;
    for (const waiting of this.#waiting) {
      if (!durable && waiting.critical) break;
      if (group.length > 0 && events + waiting.events.length > most) break;
      group.push(waiting);
      events += waiting.events.length;
    }
    return group;
  }
}
