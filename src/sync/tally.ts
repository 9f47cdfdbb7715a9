/** What a lane has done since the agent's start, and how its requests went. @module */
import type { Instant } from "../core/mod.ts";

/** The share that the newest request has in the mean. */
const NEWEST = 0.2;

export class Tally {
  lastAttemptAt: Instant | null = null;
  lastSuccessAt: Instant | null = null;
  meanLatencyMs: number | null = null;
  requests = 0;
  requestsFailed = 0;
  rowsPushed = 0;
  rowsRefused = 0;
  rowsPulled = 0;

  /** A request has ended. */
  request(at: Instant, { tookMs, ok }: { tookMs: number; ok: boolean }): void {
    this.lastAttemptAt = at;
    this.requests++;
    if (!ok) {
      this.requestsFailed++;
      return;
    }
    this.lastSuccessAt = at;
    const mean = this.meanLatencyMs;
    this.meanLatencyMs = mean === null ? tookMs : mean + (tookMs - mean) * NEWEST;
  }
}
