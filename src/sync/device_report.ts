/**
 * This machine's row in the cloud's table `devices`: what the page of a fleet shows of it. Written at the start, when
 * something of it has changed, and every five minutes, so that a silent machine can be told from one with no news.
 * @module
 */
import { type Clock, every, logger, type Remote, type Row, type Warnings } from "../core/mod.ts";
import { attempt } from "./attempt.ts";
import { failureOf, needsPerson } from "./errors.ts";

export interface DeviceReportOptions {
  remote: Remote;
  /** The row as it is now; `waiting` and `last_seen` alone are no news. */
  describe(): Row;
  clock: Clock;
  random: () => number;
  warnings: Warnings;
  timeoutMs: number;
}

/** How often the row is compared, and the least time between two writes. */
const LOOK_MS = 60_000;
const REPORT_MS = 5 * 60_000;
const GRACE_MS = 500;
const CODE = "sync.devices";

/** Reports until the signal aborts. */
export async function reportDevice(
  options: DeviceReportOptions,
  signal: AbortSignal,
): Promise<void> {
  const { describe, clock, random } = options;
  let reported = "";
  let pushedMs = -Infinity;
  // Each machine of a fleet on a grid of its own.
  const lookMs = LOOK_MS * (1 + random() / 10);
  await every(lookMs, async () => {
    const passedMs = clock.monotonic() - pushedMs;
    // A look that was late makes the next one early.
    if (passedMs < LOOK_MS) return;
    const row = describe();
    const news = newsOf(row);
    if (news === reported && passedMs < REPORT_MS - lookMs / 2) return;
    pushedMs = clock.monotonic();
    if (await push(row, options, signal)) reported = news;
  }, { signal, name: CODE, clock });
}

/** Whether the cloud has the row. */
async function push(
  row: Row,
  { remote, clock, warnings, timeoutMs }: DeviceReportOptions,
  stop: AbortSignal,
): Promise<boolean> {
  try {
    const batch = {
      stream: "playtime",
      table: "devices",
      operation: "update",
      rows: [row],
    } as const;
    await attempt((signal) => remote.push(batch, { signal }), {
      clock,
      timeoutMs,
      stop,
      graceMs: GRACE_MS,
    });
    warnings.clear(CODE);
    return true;
  } catch (error) {
    const failure = failureOf(error);
    logger("sync").debug("This machine is not reported: {message}", { message: failure.message });
    if (needsPerson(failure)) {
      warnings.raise(CODE, `${failure.message}: ${failure.verdict.advice ?? "sign in again"}`);
    }
    return false;
  }
}

function newsOf({ waiting: _, last_seen: __, ...row }: Row): string {
  return JSON.stringify(row);
}
