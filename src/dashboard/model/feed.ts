/**
 * A bounded list of the newest items, newest first. While it is paused, new items are collected without being shown.
 * @module
 */

export interface Feed<T> {
  /** Newest first. */
  readonly shown: readonly T[];
  /** Came while paused; newest first. */
  readonly waiting: readonly T[];
  readonly paused: boolean;
}

export function emptyFeed<T>(): Feed<T> {
  return { shown: [], waiting: [], paused: false };
}

/** With items added, which are oldest first. */
export function withNews<T>(feed: Feed<T>, items: readonly T[], cap: number): Feed<T> {
  const newest = items.toReversed();
  return feed.paused
    ? { ...feed, waiting: [...newest, ...feed.waiting].slice(0, cap) }
    : { ...feed, shown: [...newest, ...feed.shown].slice(0, cap) };
}

export function paused<T>(feed: Feed<T>): Feed<T> {
  return { ...feed, paused: true };
}

export function resumed<T>(feed: Feed<T>, cap: number): Feed<T> {
  return { shown: [...feed.waiting, ...feed.shown].slice(0, cap), waiting: [], paused: false };
}

/** Which rows of a list are to be drawn for a viewport, with some to spare on both sides. */
export function visibleRows(
  { scrollTop, height, rowHeight, count }: {
    scrollTop: number;
    height: number;
    rowHeight: number;
    count: number;
  },
): { from: number; to: number } {
  const SPARE = 6;
  const from = Math.max(0, Math.floor(scrollTop / rowHeight) - SPARE);
  const to = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + SPARE);
  return { from: Math.min(from, Math.max(0, count - 1)), to };
}
