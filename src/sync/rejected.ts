/** What a person can do about rejected rows: list, retry or discard them. @module */
import type { Id, Outbox, StreamName } from "../core/mod.ts";
import type { RejectedText, Store } from "../store/mod.ts";

/** Some rows of a stream, all of it, or all there are. */
export interface RowSelection {
  stream?: StreamName | undefined;
  /** Only with a stream. */
  ids?: readonly Id[] | undefined;
}

/** Rows of one transaction. */
const MAX_SLICE_ROWS = 200;

export class RejectedRows {
  readonly #store: Store;
  readonly #outboxes: ReadonlyMap<StreamName, Outbox>;

  constructor(store: Store, outboxes: ReadonlyMap<StreamName, Outbox>) {
    this.#store = store;
    this.#outboxes = outboxes;
  }

  /** Newest first: ids below `before`, down to `from`. */
  *list(
    stream: StreamName | undefined,
    { before, from }: { before?: Id | undefined; from?: Id | undefined } = {},
  ): Generator<RejectedText> {
    const { rejected } = this.#store;
    const newest = this.#streams(stream).map((name) => ({
      name,
      row: rejected.newest(name, { before }),
    }));
    for (;;) {
      const next = newest.filter(({ row }) => row && (from === undefined || row.id >= from))
        .sort((one, other) => one.row!.id < other.row!.id ? 1 : -1)[0];
      if (!next?.row) return;
      yield next.row;
      next.row = rejected.newest(next.name, { before: next.row.id });
    }
  }

  /** How many rows of a stream are rejected. */
  count(stream: StreamName): number {
    return this.#store.rejected.count(stream);
  }

  /** The next push tries these again; resolves with how many there were. */
  async retry(which: RowSelection): Promise<number> {
    return await this.#each(which, (outbox, ids) => outbox.readmit(ids));
  }

  /** They stay on this machine and are never sent; resolves with how many there were. */
  async discard(which: RowSelection): Promise<number> {
    return await this.#each(which, (outbox, ids) => outbox.discard(ids));
  }

  async #each(
    { stream, ids }: RowSelection,
    decide: (outbox: Outbox, ids: readonly Id[]) => void,
  ): Promise<number> {
    const { rejected } = this.#store;
    let decided = 0;
    for (const name of this.#streams(stream)) {
      const outbox = this.#outboxes.get(name)!;
      let after = "";
      let from = 0;
      for (;;) {
        const slice = ids
          ? ids.slice(from, from += MAX_SLICE_ROWS)
          : rejected.list(name, { after, limit: MAX_SLICE_ROWS }).map(({ id }) => id);
        if (slice.length === 0) break;
        after = slice.at(-1)!;
        decided += await this.#store.write(() => {
          const open = slice.filter((id) => rejected.has(name, id));
          decide(outbox, open);
          return open.length;
        });
      }
    }
    return decided;
  }

  #streams(stream: StreamName | undefined): StreamName[] {
    return [...this.#outboxes.keys()].filter((name) => !stream || name === stream);
  }
}
