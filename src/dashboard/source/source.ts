/**
 * The seam between the views and what they show of one machine: the agent on it has everything, the cloud what was
 * synced. What a source does not have is null, and the views leave it out.
 * @module
 */
import type { AllowanceView, Grant } from "../../contract/allowance.ts";
import type { Punch } from "../../contract/attendance.ts";
import type { GameDay } from "../../contract/games.ts";
import type { DayView } from "../../contract/playtime.ts";
import type { Status } from "../../contract/status.ts";
import type { SlotMinutes } from "../model/heat.ts";
import type { PlaySpan } from "../model/spans.ts";

export interface MachineSource {
  /** What is known of the machine now. */
  status(options?: Read): Promise<Known>;
  /** When it was played and when not since a moment, oldest first. The cloud reads at most one day. */
  spans(sinceMs: number, options?: Read): Promise<PlaySpan[]>;
  /** Every day of a range, also those without play; by the zone that each names. */
  days(range: DayRange, options?: Read): Promise<PlayDay[]>;
  games(range: DayRange, options?: Read): Promise<GameDay[] | null>;
  /** Quarters of an hour with play. */
  slots(range: { fromMs: number; toMs: number }, options?: Read): Promise<SlotMinutes[] | null>;
  /** Of today. */
  allowance(options?: Read): Promise<AllowanceView>;
  /** Grants minutes for today, or undoes a grant. */
  grant(grant: NewGrant): Promise<Grant>;
  /** The newest first. */
  punches(options: Read & { limit: number }): Promise<PunchView[]>;
  /** The state that an application last kept in a mode. */
  snapshot(mode: string, options?: Read): Promise<KeptState | null>;
}

export interface Read {
  signal?: AbortSignal;
}

/** A machine reports itself every five minutes: after this it is not known whether it is played. */
export const SILENT_MS = 10 * 60_000;

/** Both days included, as the zone counts days. */
export interface DayRange {
  from: string;
  to: string;
  timeZone: string;
}

/** A machine as the cloud names it. */
export interface Machine {
  readonly systemId: string;
  readonly deviceId: string;
}

/** What every source knows of a machine, and what only its agent does. */
export type Known =
  & Pick<
    Status,
    | "device_id"
    | "version"
    | "is_playing"
    | "playing_since"
    | "process_name"
    | "last_seen"
    | "today"
    | "sync"
    | "warnings"
  >
  & Partial<Status>
  & {
    /** From afar, in place of `sync`: rows that wait on the machine, by stream, and its newest failure. */
    readonly report?: {
      name: string;
      waiting: Readonly<Record<string, number>>;
      last_error: string | null;
    };
  };

export type PlayDay = Pick<
  DayView,
  "date_utc" | "time_zone" | "minutes_used" | "minutes_overdraft" | "allowance_min"
>;

export type NewGrant =
  | { extra_min: number; reason?: string | undefined; made_by?: string | undefined }
  | { undoes: string };

export type PunchView =
  & Pick<
    Punch,
    "id" | "device_sn" | "person_id" | "person_name" | "punched_at" | "direction" | "struck"
  >
  & Partial<Pick<Punch, "time_suspect">>;

export interface KeptState {
  readonly at: string;
  readonly state: unknown;
}

/** A source refused, in its own words; with status 0, there was no answer. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(readonly status: number, title: string, readonly detail: string) {
    super(title);
  }
}

/** By its name: the cloud's module has a class of its own. */
export function isRefusal(error: unknown): error is Refusal {
  return error instanceof Error && error.name === "Refusal";
}
