/**
 * Reads what the cloud has for this machine: each table page by page from its cursor. A page and its cursor are
 * committed together, so that a crash only reads the page again.
 * @module
 */
import {
  type ApplyResult,
  type Clock,
  type Cursor,
  every,
  type Inbox,
  logger,
  type Page,
  type Remote,
  type StreamName,
} from "../core/mod.ts";
import type { Store } from "../store/mod.ts";
import { backoffMs, TableBackoff } from "./backoff.ts";
import { BatchSize } from "./batch_size.ts";
import { concernsTable, failureOf, type RoundResult } from "./errors.ts";
import type { LaneRequests } from "./requests.ts";

/** Rows of a page: it is applied in one turn of the event loop. */
const MAX_PAGE_ROWS = 250;

export interface InboxPullerOptions {
  name: StreamName;
  remote: Pick<Remote, "watch">;
  inbox: Inbox;
  requests: Pick<LaneRequests, "pull" | "stopped">;
  store: Pick<Store, "write">;
  clock: Clock;
  random: () => number;
  /** Called after a page that another follows. */
  onChange(): void;
}

/** A subscription that lasted this long has worked: its backoff starts again. */
const SUBSCRIBED_MS = 3 * 60_000;

export class InboxPuller {
  rowsPulled = 0;
  readonly #options: InboxPullerOptions;
  readonly #backoff: TableBackoff;
  /** By table: rows of one may be a thousand times larger than those of another. */
  readonly #sizes: ReadonlyMap<string, BatchSize>;

  constructor(options: InboxPullerOptions) {
    this.#options = options;
    this.#backoff = new TableBackoff(options.clock);
    this.#sizes = new Map(
      options.inbox.tables.map((table) => [table, new BatchSize(MAX_PAGE_ROWS)]),
    );
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

  /** Calls `onRemoteChange` when the remote reports a change; subscribes again when the subscription ends. */
  async watch(signal: AbortSignal, onRemoteChange: () => void): Promise<void> {
    const { name, remote, inbox, clock, random } = this.#options;
    if (!inbox.tables.length || !remote.watch) return;
    let failures = 0;
    let waitMs = 1;
    await every(() => waitMs, async () => {
      const started = clock.monotonic();
      try {
        await remote.watch?.(inbox.tables, onRemoteChange, { signal });
      } finally {
        failures = clock.monotonic() - started > SUBSCRIBED_MS ? 1 : failures + 1;
        waitMs = Math.max(1, backoffMs(failures, { random }));
      }
    }, {
      signal,
      name: `sync.${name}.watch`,
      clock,
      onError: (error) =>
        logger("sync").debug("{lane} gets no notice of changes: {error}", { lane: name, error }),
    });
  }

  async #pull(table: string): Promise<void> {
    const { inbox, requests, onChange } = this.#options;
    const size = this.#sizes.get(table)!;
    let more = true;
    while (more && !requests.stopped) {
      const before = inbox.cursor(table);
      const { rows } = size;
      const page = await requests.pull(table, before, rows).catch((error) => {
        const { action, alone } = failureOf(error).verdict;
        if (action === "split") size.failed(rows);
        // What was too long is asked for again, of fewer rows; what was too slow in the next round.
        if (action !== "split" || alone === "wait" || rows === 1) throw error;
      });
      if (!page) continue;
      // A long page is taken as it is; the next is shorter.
      if (size.cut(page.rows) === page.rows) size.passed(page.rows.length);
      let applied = await this.#apply(page, before);
      while (applied?.more && !requests.stopped) {
        applied = await this.#apply({ ...page, rows: [] }, applied.cursor);
      }
      if (!applied) continue;
      this.rowsPulled += page.rows.length;
      if (page.more) onChange();
      // A page that does not move the cursor would be read forever.
      more = page.more && !isSame(before, inbox.cursor(table));
    }
  }

  /**
   * Applies a page that was read from a cursor. Undefined where a reset has removed the cursor meanwhile: the page
   * would pass for the table's first.
   */
  #apply(
    page: Page,
    from: Cursor | null,
  ): Promise<ApplyResult & { cursor: Cursor | null } | undefined> {
    const { inbox, store } = this.#options;
    return store.write(() =>
      isSame(from, inbox.cursor(page.table))
        ? { ...inbox.apply(page), cursor: inbox.cursor(page.table) }
        : undefined
    );
  }
}

function isSame(one: Cursor | null, other: Cursor | null): boolean {
  return one?.id === other?.id && one?.updatedAt === other?.updatedAt;
}
