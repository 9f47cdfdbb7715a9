/**
 * Heartbeats as spans of time: played, looked and not played, and, between them, not known.
 *
 *     heartbeats  ▪▪▪▪▫▫▫▫▫▫    ▫▫▫▪▪▪     every 5 s, each for the 5 s after it
 *     spans       ████──────    ───███
 * @module
 */
import type { Heartbeat } from "../../contract/playtime.ts";

export type Beat = Pick<Heartbeat, "timestamp_utc" | "is_playing" | "poll_interval_sec">;

export interface PlaySpan {
  from: number;
  /** The moment after its end. */
  to: number;
  readonly playing: boolean;
}

/** A look that comes this much later than it should still continues the span: timers are late. */
const LATE = 1.5;

/** Spans of heartbeats, which are in the order of time. */
export function spansOf(heartbeats: Iterable<Beat>): PlaySpan[] {
  const spans: PlaySpan[] = [];
  for (const heartbeat of heartbeats) addHeartbeat(spans, heartbeat);
  return spans;
}

/** Adds a heartbeat that is the newest. */
export function addHeartbeat(spans: PlaySpan[], heartbeat: Beat): void {
  const from = Date.parse(heartbeat.timestamp_utc);
  const intervalMs = heartbeat.poll_interval_sec * 1_000;
  const playing = heartbeat.is_playing;
  const last = spans.at(-1);
  if (last && from < last.from) return;
  if (last && last.playing === playing && from - last.to <= (LATE - 1) * intervalMs) {
    last.to = Math.max(last.to, from + intervalMs);
    return;
  }
  // The game that began between two looks began at most one look ago: no gap is left for a late timer.
  const gap = last ? from - last.to : Infinity;
  if (last && gap < (LATE - 1) * intervalMs) last.to = from;
  spans.push({ from, to: from + intervalMs, playing });
}

/** Spans of two stretches of time, the first before the second. */
export function joinSpans(older: readonly PlaySpan[], newer: readonly PlaySpan[]): PlaySpan[] {
  const last = older.at(-1);
  const [first, ...rest] = newer;
  if (!last || !first) return [...older, ...newer];
  if (last.playing !== first.playing || first.from - last.to > 2_500) return [...older, ...newer];
  return [...older.slice(0, -1), { ...last, to: first.to }, ...rest];
}

/** What lies within `[from, to)`. */
export function clipSpans(spans: readonly PlaySpan[], from: number, to: number): PlaySpan[] {
  return spans.filter((span) => span.to > from && span.from < to).map((span) => ({
    ...span,
    from: Math.max(span.from, from),
    to: Math.min(span.to, to),
  }));
}

/** Times of play, where a pause shorter than `pauseMs` ends none. */
export function sessionsOf(spans: readonly PlaySpan[], pauseMs = 120_000): PlaySpan[] {
  const sessions: PlaySpan[] = [];
  for (const span of spans) {
    if (!span.playing) continue;
    const last = sessions.at(-1);
    if (last && span.from - last.to < pauseMs) last.to = span.to;
    else sessions.push({ ...span });
  }
  return sessions;
}

/** The outline of spans as an SVG path over a width; what is narrower than a step is drawn as one step. */
export function spanPath(
  spans: readonly PlaySpan[],
  { from, to, width, height }: { from: number; to: number; width: number; height: number },
): string {
  const scale = width / (to - from);
  let path = "";
  let left = -1;
  let right = -1;
  const close = () => {
    if (right > left) path += `M${left} 0h${right - left}v${height}H${left}z`;
  };
  for (const span of spans) {
    const start = Math.floor((span.from - from) * scale);
    const end = Math.max(start + 1, Math.round((span.to - from) * scale));
    if (start <= right && left >= 0) {
      right = Math.max(right, end);
      continue;
    }
    close();
    left = start;
    right = end;
  }
  close();
  return path;
}
