/** The day's heartbeats as spans: read once, then continued by each heartbeat that comes. @module */
import { signal } from "@preact/signals";
import { addHeartbeat, type Heartbeat, joinSpans, type Span, spansOf } from "../model/spans.ts";
import { answer } from "./api.ts";

/** Newest last; reaches back to the beginning of the day that was last loaded. */
export const spans = signal<readonly Span[]>([]);
/** From when on the spans are complete; null before they were read. */
export const spansSince = signal<number | null>(null);

const PAGE_ROWS = 5_000;
let loading = 0;

/** Reads the heartbeats since a moment. */
export async function loadSpans(sinceMs: number): Promise<void> {
  const mine = ++loading;
  let read: Span[] = [];
  let next: string | undefined = `/history?limit=${PAGE_ROWS}`;
  while (next !== undefined) {
    const page: { value: Heartbeat[]; next: string | undefined } = await answer(next);
    if (mine !== loading) return;
    const inTime = page.value.filter(({ timestamp_utc }) => Date.parse(timestamp_utc) >= sinceMs);
    read = joinSpans(spansOf(inTime.reverse()), read);
    next = inTime.length === page.value.length ? page.next : undefined;
  }
  // What came by the stream meanwhile is in neither page.
  const end = read.at(-1)?.to ?? sinceMs;
  const newer = spans.value.filter(({ from }) => from >= end);
  spans.value = joinSpans(read, newer);
  spansSince.value = sinceMs;
}

/** A heartbeat that came by the stream. */
export function noteHeartbeat(heartbeat: Heartbeat): void {
  const last = spans.value.at(-1);
  const changed = last ? [...spans.value.slice(0, -1), { ...last }] : [];
  addHeartbeat(changed, heartbeat);
  spans.value = changed;
}
