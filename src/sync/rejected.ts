/**
 * What a person can do about rows that the cloud will not have: look at them, have them tried again, or give
 * them up. Whatever concerns many rows goes in slices.
 * @module
 */
import type { Id, Outbox, StreamName } from "../core/mod.ts";
import type { RejectedText, Store } from "../store/mod.ts";

/** Which rows are meant: some of a stream, or all of it, or all there are. */
export interface Which {
  stream?: StreamName | undefined;
  /** Only with a stream. */
  ids?: readonly Id[] | undefined;
}

/** How many rows one transaction takes. */
const SLICE = 200;

export class RejectedRows {
  readonly #store: Store;
  readonly #outboxes: ReadonlyMap<StreamName, Outbox>;

  constructor(store: Store, outboxes: ReadonlyMap<StreamName, Outbox>) {
    this.#store = store;
    this.#outboxes = outboxes;
  }

  /** Newest first, before one id and not before another, as many as are taken. */
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

  /** Has rows tried again with the next push; resolves with how many there were. */
  async retry(which: Which): Promise<number> {
    return await this.#each(which, (outbox, ids) => outbox.readmit(ids));
  }

  /** Gives rows up: they stay on this machine and are never sent. Resolves with how many there were. */
  async discard(which: Which): Promise<number> {
    return await this.#each(which, (outbox, ids) => outbox.discard(ids));
  }

  async #each(
    { stream, ids }: Which,
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
          ? ids.slice(from, from += SLICE)
          : rejected.list(name, { after, limit: SLICE }).map(({ id }) => id);
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
