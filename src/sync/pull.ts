/**
 * Reads what the cloud has for this machine: each table page by page from its cursor. A page and its cursor are
 * committed together, so that a crash only reads the page again.
 * @module
 */
import type { Clock, Cursor, Inbox } from "../core/mod.ts";
import type { Store } from "../store/mod.ts";
import { TableBackoff } from "./backoff.ts";
import { concernsTable, failureOf, type RoundResult } from "./errors.ts";
import type { LaneRequests } from "./requests.ts";

export interface InboxPullerOptions {
  inbox: Inbox;
  requests: Pick<LaneRequests, "pull" | "stopped">;
  store: Pick<Store, "write">;
  clock: Clock;
  /** Called after a page that another follows. */
  onChange(): void;
}

export class InboxPuller {
  rowsPulled = 0;
  readonly #options: InboxPullerOptions;
  readonly #backoff: TableBackoff;

  constructor(options: InboxPullerOptions) {
    this.#options = options;
    this.#backoff = new TableBackoff(options.clock);
  }

  /** The next round tries tables that back off. */
  retryAll(): void {
    this.#backoff.clear();
  }

  /** Pulls every table until nothing is new. A table that cannot be read does not stop the others. */
  async run(): Promise<RoundResult> {
    const { inbox, requests } = this.#options;
    const skip = this.#backoff.tables();
    const result: RoundResult = { progress: false };
    for (const table of inbox.tables) {
      if (skip.has(table) || requests.stopped) continue;
      try {
        await this.#pull(table);
        result.progress = true;
        this.#backoff.succeeded(table);
      } catch (error) {
        const failure = failureOf(error);
        if (!concernsTable(failure)) return { ...result, failure };
        this.#backoff.failed(table, failure);
      }
    }
    const { failure } = this.#backoff;
    return failure ? { ...result, failure, tableOnly: true } : result;
  }

  async #pull(table: string): Promise<void> {
    const { inbox, requests, store, onChange } = this.#options;
    let more = true;
    while (more && !requests.stopped) {
      const before = inbox.cursor(table);
      const page = await requests.pull(table, before);
      await store.write(() => inbox.apply(page));
      this.rowsPulled += page.rows.length;
      if (page.more) onChange();
      // A page that does not move the cursor would be read forever.
      more = page.more && !isSame(before, inbox.cursor(table));
    }
  }
}

function isSame(one: Cursor | null, other: Cursor | null): boolean {
  return one?.id === other?.id && one?.updatedAt === other?.updatedAt;
}
