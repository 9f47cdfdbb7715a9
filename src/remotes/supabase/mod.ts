/**
 * Supabase: rows by PostgREST, changes by Realtime, people by e-mail and password.
 * @module
 */
import { type Remote, systemClock } from "../../core/mod.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { ringOnChange } from "./doorbell.ts";
import { Pusher, type TableRules } from "./push.ts";
import { Puller } from "./pull.ts";
import type { Keys } from "./query.ts";
import schemaText from "./schema.sql" with { type: "text" };

export { encryptedTokenStore, memoryTokenStore, type TokenStore } from "./token_store.ts";

/** The tables, policies and triggers that the cloud needs, as SQL. */
export const schema: string = schemaText;

export interface SupabaseOptions extends Omit<ConnectionOptions, "systems"> {
  /** Whose rows these are; the rows of other systems are not asked for. */
  systemId: string;
  deviceId: string;
  /** Tables of records, which are watched. */
  recordTables: readonly string[];
  /** The key columns of those that have none called `id`. */
  recordKeys?: Keys;
  eventsTable: string;
  healthTable: string;
  realtime?: boolean;
  /** How long a subscription may be broken before it is made anew. */
  giveUpMs?: number;
  /** Told when Realtime begins to work and when it ceases to. */
  onRealtime?: (connected: boolean) => void;
}

/** Supabase as a remote, and the sign-in that a person does. */
export interface Supabase extends Remote {
  /** Whether Realtime tells of changes; null when it is not wanted. */
  realtime(): boolean | null;
  login(email: string, password: string): Promise<void>;
  logout(): Promise<void>;
}

export function createSupabase(options: SupabaseOptions): Supabase {
  const { systemId, deviceId, recordTables, eventsTable, healthTable } = options;
  const { recordKeys: keys = {}, realtime = true, onRealtime = () => {}, clock = systemClock } =
    options;
  const connection = new Connection({ ...options, systems: [...new Set([systemId, deviceId])] });
  const stamp = { system_id: systemId };
  const pusher = new Pusher(connection, {
    keys,
    rules: new Map<string, TableRules>([
      ["heartbeats", {
        conflict: [["id", "timestamp_utc"], ["id"]],
        merge: false,
        optional: ["process_name"],
      }],
      ["punches", { conflict: [["id"]], merge: false, stamp }],
      [eventsTable, {
        conflict: [["idempotency_key"]],
        merge: false,
        // Several machines may share a system: an event says which of them it is from.
        stamp: { ...stamp, device_id: deviceId },
      }],
      [healthTable, {
        conflict: [["system_id", "mode"], ["mode"]],
        merge: true,
        stamp,
        omit: ["id"],
      }],
    ]),
  });
  const puller = new Puller(connection, { systemId, keys });
  let live = false;

  return {
    name: connection.name,
    async push(batch, { signal }) {
      await connection.signedIn();
      return await pusher.push(batch, signal);
    },
    async pull(table, cursor, { signal }) {
      await connection.signedIn();
      return await puller.page(table, cursor, signal);
    },
    probe: ({ signal }) => connection.probe(signal),
    refresh: () => connection.refresh(),
    ...(realtime
      ? {
        watch: (ring: (table: string) => void, { signal }: { signal: AbortSignal }) =>
          ringOnChange(ring, signal, {
            connection,
            systemId,
            tables: recordTables,
            clock,
            random: options.random ?? Math.random,
            onState(connected) {
              live = connected;
              onRealtime(connected);
            },
            giveUpMs: options.giveUpMs ?? 60_000,
          }),
      }
      : {}),
    realtime: () => realtime ? live : null,
    login: (email, password) => connection.login(email, password),
    logout: () => connection.logout(),
  };
}
