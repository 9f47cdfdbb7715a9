/** The day's heartbeats as spans: read once, then continued by each heartbeat that comes. @module */
import { effect, signal } from "@preact/signals";
import { addHeartbeat, type Beat, joinSpans, type PlaySpan } from "../model/spans.ts";
import type { MachineSource } from "../source/source.ts";
import { keepAnswer, keptAnswer } from "./kept.ts";
import { source } from "./source.ts";

/** Newest last; reaches back to the beginning of the day that was last loaded. */
export const spans = signal<readonly PlaySpan[]>([]);
/** From when on the spans are complete; null before they were read. */
export const spansSince = signal<number | null>(null);

let loading = 0;

effect(() => {
  if (spans.value.length > 0) keepAnswer("spans", spans.value);
});

/** Reads the heartbeats since a moment. */
export async function loadSpans(sinceMs: number): Promise<void> {
  const mine = ++loading;
  const read = await source.value.spans(sinceMs);
  if (mine !== loading) return;
  // What came by the stream meanwhile is in neither page.
  const end = read.at(-1)?.to ?? sinceMs;
  const newer = spans.value.filter(({ from }) => from >= end);
  spans.value = joinSpans(read, newer);
  spansSince.value = sinceMs;
}

/** Continues the spans that were read by what is newer. */
export async function extendSpans(
  source: MachineSource,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const last = spans.value.at(-1);
  if (last === undefined) return;
  const mine = loading;
  const newer = await source.spans(last.to, { signal });
  if (mine === loading) spans.value = joinSpans(spans.value, newer);
}

/** What was kept of the day, for a page that begins while nothing answers. */
export function recallSpans(): void {
  const kept = keptAnswer<PlaySpan[]>("spans");
  if (kept && spans.value.length === 0) spans.value = kept.value;
}

/** A heartbeat that came by the stream. */
export function noteHeartbeat(heartbeat: Beat): void {
  const last = spans.value.at(-1);
  const changed = last ? [...spans.value.slice(0, -1), { ...last }] : [];
  addHeartbeat(changed, heartbeat);
  spans.value = changed;
}
