/**
 * The machines of an account, from the view `fleet` of schema.sql: one row each, made of `devices` and
 * `daily_rollups`. Row-level security shows the machines of the signed-in account.
 * @module
 */
import type { SupabaseClient } from "@supabase/supabase-js";
import type { FleetMachine } from "../model/fleet.ts";
import { rows } from "./supabase.ts";

/** What PostgREST gives at once by default. */
const PAGE_ROWS = 1_000;
/** Beyond it a page is no place to look after machines. */
const MAX_MACHINES = 10_000;
/** A report that was stamped before another may be committed after it. */
const OVERLAP_MS = 60_000;

export interface Fleet {
  /** All of them. */
  machines(options?: { signal?: AbortSignal }): Promise<FleetMachine[]>;
  /** Those that have reported since the newest of these. */
  newer(known: Iterable<FleetMachine>, options?: { signal?: AbortSignal }): Promise<FleetMachine[]>;
}

export function fleetOf(client: SupabaseClient, { now = Date.now } = {}): Fleet {
  const page = async (
    { after, since, signal }: { after: FleetRow | undefined; since?: number; signal?: AbortSignal },
  ): Promise<FleetRow[]> => {
    let query = client.from("fleet").select();
    if (since !== undefined) query = query.gt("received_at", new Date(since).toISOString());
    if (after) {
      const [system, device] = [after.system_id, after.device_id].map(quoted);
      query = query.or(
        `system_id.gt.${system},and(system_id.eq.${system},device_id.gt.${device})`,
      );
    }
    return await rows<FleetRow>(
      query.order("system_id").order("device_id").limit(PAGE_ROWS),
      signal,
    );
  };
  const read = async (
    options: { since?: number; signal?: AbortSignal } = {},
  ): Promise<FleetMachine[]> => {
    const machines: FleetMachine[] = [];
    let after: FleetRow | undefined;
    do {
      const found: FleetRow[] = await page({ after, ...options });
      const readMs = now();
      machines.push(...found.map((row) => machineOf(row, readMs)));
      after = found.at(-1);
      // A project may give fewer rows at once than were asked for: only an empty page is the end.
    } while (after && machines.length < MAX_MACHINES);
    return machines;
  };
  return {
    machines: read,
    newer(known, options) {
      const newest = [...known].reduce((ms, { receivedMs }) => Math.max(ms, receivedMs), 0);
      return read({ ...options, since: newest - OVERLAP_MS });
    },
  };
}

interface FleetRow {
  system_id: string;
  device_id: string;
  name: string | null;
  version: string | null;
  allowance_min: number | null;
  granted_min: number | null;
  minutes_today: number | null;
  minutes_left: number | null;
  is_playing: boolean | null;
  process_name: string | null;
  waiting: Readonly<Record<string, number>>;
  last_error: string | null;
  received_at: string;
  silent_sec: number;
  days: Readonly<Record<string, number>> | null;
}

function machineOf(row: FleetRow, readMs: number): FleetMachine {
  return {
    systemId: row.system_id,
    deviceId: row.device_id,
    name: row.name ?? row.device_id,
    version: row.version ?? "",
    limitMin: row.allowance_min === null ? null : row.allowance_min + (row.granted_min ?? 0),
    usedMin: row.minutes_today ?? 0,
    leftMin: row.minutes_left,
    isPlaying: row.is_playing ?? false,
    processName: row.process_name,
    waiting: Object.values(row.waiting).reduce((sum, count) => sum + count, 0),
    lastError: row.last_error,
    receivedMs: Date.parse(row.received_at),
    // By this browser's clock, whatever it shows.
    seenMs: readMs - row.silent_sec * 1_000,
    days: row.days ?? {},
  };
}

/** A value of a PostgREST filter. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
