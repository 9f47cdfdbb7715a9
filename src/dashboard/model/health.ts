/** What a lane's state means to a person: a colour and a sentence. @module */
import type { LaneStatus, SyncStatus } from "../../contract/sync.ts";
import type { Known } from "../source/source.ts";
import { counted, number } from "./format.ts";

/** `good`: done or in progress; `warn`: recovers by itself; `bad`: needs a person; `idle`: not in use. */
export type Tone = "good" | "warn" | "bad" | "idle";

export interface Health {
  readonly tone: Tone;
  readonly words: string;
}

export const STREAM_NAMES: Readonly<Record<string, string>> = {
  playtime: "Play time",
  events: "Events",
  attendance: "Attendance",
  records: "Records",
};

export function laneHealth(lane: LaneStatus): Health {
  const waiting = rows(lane.rows_waiting);
  const needsPerson = lane.last_error?.advice != null;
  switch (lane.state) {
    case "disabled":
      return { tone: "idle", words: "Stays on this computer" };
    case "failed":
      return needsPerson
        ? { tone: "bad", words: "Needs you" }
        : { tone: "warn", words: "Failed, and tries again by itself" };
    case "disconnected":
      return needsPerson ? { tone: "bad", words: "Needs you" } : {
        tone: "warn",
        words: lane.rows_waiting > 0 ? `Offline, ${waiting} waiting` : "Offline",
      };
    case "connecting":
      return { tone: "warn", words: "Connecting" };
    case "syncing":
      return { tone: "good", words: `Sending, ${waiting} to go` };
    case "connected":
      if (lane.rows_rejected > 0) {
        return { tone: "warn", words: `${rows(lane.rows_rejected)} refused by the cloud` };
      }
      return {
        tone: "good",
        words: lane.rows_waiting > 0
          ? `${waiting} in the next batch`
          : "Everything is in the cloud",
      };
  }
}

/** How far the first reading of a cloud's tables is, or one after the agent was away for long. */
export function readingWords(
  { table, rows, total, tables_done, tables }: NonNullable<LaneStatus["reading"]>,
): string {
  const of = total === null ? "" : ` of about ${number(total)}`;
  return `Reading ${table} from the cloud: ${number(rows)}${of} (table ${
    tables_done + 1
  } of ${tables})`;
}

export interface WholeHealth extends Health {
  readonly detail: string;
  /** In a word or two. */
  readonly short: string;
}

/** The whole in a headline and a line. */
export function syncHealth(sync: SyncStatus | null): WholeHealth {
  const lanes = sync?.lanes.filter(({ state }) => state !== "disabled") ?? [];
  if (!sync || lanes.length === 0) {
    return {
      tone: "idle",
      words: "Kept on this computer",
      short: "Local only",
      detail: "No cloud is connected. Nothing is lost without one.",
    };
  }
  const waiting = lanes.reduce((sum, { rows_waiting }) => sum + rows_waiting, 0);
  const rejected = lanes.reduce((sum, { rows_rejected }) => sum + rows_rejected, 0);
  const tones = lanes.map((lane) => laneHealth(lane).tone);
  const kept = waiting > 0
    ? `${rows(waiting)} ${waiting === 1 ? "waits" : "wait"} safely on this computer.`
    : "Nothing is waiting.";
  if (tones.includes("bad")) {
    return { tone: "bad", words: "Sync needs you", short: "Needs you", detail: kept };
  }
  if (sync.online === false) {
    return { tone: "warn", words: "Offline", short: "Cloud away", detail: kept };
  }
  if (rejected > 0) {
    return {
      tone: "warn",
      words: `${rows(rejected)} refused`,
      short: `${number(rejected)} refused`,
      detail: "The cloud will not have them. See Sync.",
    };
  }
  if (tones.includes("warn")) {
    return { tone: "warn", words: "Trying again", short: "Trying again", detail: kept };
  }
  if (waiting > 0) {
    return {
      tone: "good",
      words: "In sync",
      short: "In sync",
      detail: `${rows(waiting)} in the next batch.`,
    };
  }
  return {
    tone: "good",
    words: "All synced",
    short: "Synced",
    detail: "Everything is in the cloud.",
  };
}

/** What a machine last reported of itself to the cloud. */
export function reportHealth(
  { waiting, last_error }: NonNullable<Known["report"]>,
): WholeHealth {
  const count = Object.values(waiting).reduce((sum, each) => sum + each, 0);
  const words = count === 0 ? "Nothing waited" : `${rows(count)} waited on the machine`;
  return {
    tone: last_error === null ? "good" : "warn",
    words,
    short: count === 0 ? "Synced" : `${number(count)} waited`,
    detail: last_error ?? "When it last reported.",
  };
}

function rows(count: number): string {
  return counted(count, "row");
}
