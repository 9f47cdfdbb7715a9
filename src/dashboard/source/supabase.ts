/**
 * The cloud as a source: the tables of schema.sql, read as the signed-in account, to which row-level security limits
 * the systems. Raw heartbeats are read of one machine and one day at most.
 * @module
 */
import type { SupabaseClient } from "@supabase/supabase-js";
import type { Grant } from "../../contract/allowance.ts";
import type { EventsStatus } from "../../contract/events.ts";
import type { TodayView } from "../../contract/playtime.ts";
import { addHeartbeat, type Beat, type PlaySpan } from "../model/spans.ts";
import { addDays, type Day, dayAt, weekdayOf } from "../model/zones.ts";
import {
  type Machine,
  type MachineSource,
  type PlayDay,
  type PunchView,
  Refusal,
  SILENT_MS,
} from "./source.ts";

const DAY_MS = 86_400_000;
/** What PostgREST gives at once by default. */
const PAGE_ROWS = 1_000;

export interface SupabaseSourceOptions {
  client: SupabaseClient;
  machine: Machine;
  eventsTable?: string;
  healthTable?: string;
  now?: () => number;
}

export function supabaseSource(options: SupabaseSourceOptions): MachineSource {
  const { client, machine: { systemId, deviceId }, now = Date.now } = options;
  const { eventsTable = "zoe_events", healthTable = "zoe_health" } = options;
  const deviceOf = async (signal?: AbortSignal): Promise<DeviceRow> => {
    const query = client.from("devices").select().eq("system_id", systemId)
      .eq("device_id", deviceId).limit(1);
    const [row] = await rows<DeviceRow>(query, signal);
    if (row) return row;
    throw new Refusal(
      404,
      "The cloud does not know this machine",
      "It has not synced yet, or this account may not see it.",
    );
  };
  const grantsOn = async (date: Day, signal?: AbortSignal): Promise<Grant[]> => {
    const query = client.from("allowance_grants").select().eq("system_id", systemId)
      .eq("device_id", deviceId).eq("date", date).order("created_at").order("id");
    return (await rows<GrantRow>(query, signal)).map(grantOf);
  };
  const oppositeOf = async (id: string) => {
    const query = client.from("allowance_grants").select().eq("system_id", systemId).eq("id", id);
    const [row] = await rows<GrantRow>(query);
    if (!row) throw new Refusal(404, "There is no such grant", "");
    return { extra_min: -row.extra_min, date: row.date, undoes: id };
  };
  /** The modes that were flushed, each with its newest event. */
  const modesOf = async (signal?: AbortSignal): Promise<EventsStatus["modes"]> => {
    const health = client.from(healthTable).select("mode,last_flush_ts").eq("system_id", systemId);
    const entries = (await rows<HealthRow>(health, signal)).map(async ({ mode, last_flush_ts }) => {
      const newest = client.from(eventsTable).select("seq").eq("system_id", systemId)
        .eq("mode", mode).order("seq", { ascending: false }).limit(1);
      const [event] = await rows<{ seq: number }>(newest, signal);
      return [mode, {
        last_seq: event?.seq ?? 0,
        last_flush_ts: instant(last_flush_ts),
        unflushed: 0,
        oldest_unflushed: null,
        error: null,
      }] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  };
  const todayOf = (row: DeviceRow): Day => dayAt(now(), row.time_zone ?? "UTC");

  return {
    async status({ signal } = {}) {
      const [row, modes] = await Promise.all([deviceOf(signal), modesOf(signal)]);
      const date = todayOf(row);
      const granted = sum(await grantsOn(date, signal));
      const fresh = now() - Date.parse(row.last_seen) < SILENT_MS;
      return {
        device_id: deviceId,
        system_id: systemId,
        version: row.version ?? "",
        is_playing: fresh ? row.is_playing : null,
        playing_since: null,
        process_name: row.process_name,
        last_seen: instant(row.last_seen),
        today: todayView(row, { date, granted }),
        sync: null,
        warnings: [],
        events: { clients: 0, modes },
        report: { name: row.name ?? deviceId, waiting: row.waiting, last_error: row.last_error },
      };
    },
    async spans(sinceMs, { signal } = {}) {
      const spans: PlaySpan[] = [];
      // A day of 25 hours is one too.
      const from = new Date(Math.max(sinceMs, now() - 25 * 3_600_000)).toISOString();
      const since = (at: string) =>
        client.from("heartbeats").select("id,timestamp_utc,is_playing,poll_interval_sec")
          .eq("device_id", deviceId).gte("timestamp_utc", at).order("timestamp_utc").order("id")
          .limit(PAGE_ROWS);
      for (let query = since(from);;) {
        const page = await rows<Beat & { id: string }>(query, signal);
        for (const heartbeat of page) addHeartbeat(spans, heartbeat);
        const last = page.at(-1);
        // A project may give fewer rows at once than were asked for: only an empty page is the end.
        if (!last) return spans;
        const at = last.timestamp_utc;
        query = since(at).or(
          `timestamp_utc.gt."${at}",and(timestamp_utc.eq."${at}",id.gt.${last.id})`,
        );
      }
    },
    async days({ from, to }, { signal } = {}) {
      const query = client.from("daily_rollups")
        .select("date_utc,minutes_used,minutes_overdraft,minutes_allowed")
        .eq("device_id", deviceId).gte("date_utc", from).lte("date_utc", to);
      const known = new Map(
        (await rows<RollupRow>(query, signal)).map((row) => [row.date_utc, row]),
      );
      const days: PlayDay[] = [];
      for (let date = from; date <= to; date = addDays(date, 1)) {
        const row = known.get(date);
        days.push({
          date_utc: date,
          time_zone: "UTC",
          minutes_used: row?.minutes_used ?? 0,
          minutes_overdraft: row?.minutes_overdraft ?? 0,
          allowance_min: row?.minutes_allowed ?? null,
        });
      }
      return days;
    },
    games: () => Promise.resolve(null),
    slots: () => Promise.resolve(null),
    async allowance({ signal } = {}) {
      const row = await deviceOf(signal);
      const date = todayOf(row);
      const grants = await grantsOn(date, signal);
      const { minutes_used, minutes_left, minutes_overdraft, ...today } = todayView(row, {
        date,
        granted: sum(grants),
      });
      return {
        ...today,
        grants,
        used_min: minutes_used,
        left_min: minutes_left,
        over_min: minutes_overdraft,
        games: [],
      };
    },
    async grant(wanted) {
      const row = "undoes" in wanted
        ? await oppositeOf(wanted.undoes)
        : { ...wanted, date: todayOf(await deviceOf()) };
      const query = client.from("allowance_grants").insert({
        ...row,
        id: crypto.randomUUID(),
        system_id: systemId,
        device_id: deviceId,
      }).select();
      const [made] = await rows<GrantRow>(query);
      return grantOf(made!);
    },
    async punches({ limit, signal }) {
      const query = client.from("punches")
        .select("id,device_sn,person_id,person_name,punched_at,direction,struck")
        .eq("system_id", systemId).lte("punched_at", new Date(now() + DAY_MS).toISOString())
        .order("punched_at", { ascending: false }).limit(limit);
      return (await rows<PunchView>(query, signal))
        .map((row) => ({ ...row, punched_at: instant(row.punched_at) }));
    },
    snapshot: () => Promise.resolve(null),
  };
}

interface HealthRow {
  mode: string;
  last_flush_ts: string;
}

interface DeviceRow {
  name: string | null;
  version: string | null;
  time_zone: string | null;
  allowance_min: number | null;
  minutes_today: number | null;
  is_playing: boolean | null;
  process_name: string | null;
  waiting: Record<string, number>;
  last_error: string | null;
  last_seen: string;
}

interface RollupRow {
  date_utc: Day;
  minutes_used: number;
  minutes_overdraft: number;
  minutes_allowed: number | null;
}

type GrantRow = Omit<Grant, "synced_at"> & { received_at: string };

function grantOf({ received_at, ...row }: GrantRow): Grant {
  return {
    ...row,
    created_at: instant(row.created_at),
    updated_at: instant(row.updated_at),
    synced_at: instant(received_at),
  };
}

/** Today by the machine's own report; what it reported on another day is no play of today. */
function todayView(
  row: DeviceRow,
  { date, granted }: { date: Day; granted: number },
): TodayView {
  const timeZone = row.time_zone ?? "UTC";
  const used = dayAt(Date.parse(row.last_seen), timeZone) === date ? row.minutes_today ?? 0 : 0;
  const left = row.allowance_min === null ? null : row.allowance_min + granted - used;
  const monday = addDays(date, -weekdayOf(date));
  return {
    date,
    time_zone: timeZone,
    day_starts_at: "00:00",
    minutes_used: used,
    minutes_overdraft: Math.max(0, -(left ?? 0)),
    allowance_min: row.allowance_min,
    granted_min: granted,
    minutes_left: left === null ? null : Math.max(0, left),
    limited_by: left === null ? null : "day",
    week: {
      from: monday,
      to: addDays(monday, 6),
      allowance_min: null,
      granted_min: granted,
      used_min: used,
      left_min: null,
    },
  };
}

function sum(grants: readonly Grant[]): number {
  return grants.reduce((sum, { extra_min }) => sum + extra_min, 0);
}

/** PostgreSQL writes the offset and as many digits as there are. */
function instant(text: string): string {
  return new Date(text).toISOString();
}

/** A query's rows. */
export async function rows<T>(query: Query, signal = new AbortController().signal): Promise<T[]> {
  const { data, error, status } = await query.abortSignal(signal);
  if (!error) return data as T[];
  signal.throwIfAborted();
  if (status === 0) throw new Refusal(0, "The cloud does not answer", "Try again in a moment.");
  if (status === 401) throw new Refusal(401, "The sign-in has ended", "Sign in again.");
  throw new Refusal(status, "The cloud refused", error.message);
}

interface Query {
  abortSignal(
    signal: AbortSignal,
  ): PromiseLike<{ data: unknown; error: { message: string } | null; status: number }>;
}
