/**
 * Supabase: rows by PostgREST, changes by Realtime, people by e-mail and password.
 * @module
 */
import { type Remote, systemClock } from "../../core/mod.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { ringOnChange } from "./doorbell.ts";
import { LearnedTables } from "./learned_tables.ts";
import { Puller, type ReadProfile } from "./pull.ts";
import { Pusher, type TableProfile } from "./push.ts";
import type { Keys } from "./query.ts";
import { streamRules } from "./tables.ts";
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
  /** Who is signed in on this machine; null for nobody. Asks no server. */
  whoIsSignedIn(): Promise<string | null>;
}

export function createSupabase(options: SupabaseOptions): Supabase {
  const { systemId, deviceId, recordTables, eventsTable, healthTable } = options;
  const { recordKeys: keys = {}, realtime = true, onRealtime = () => {}, clock = systemClock } =
    options;
  const profiles = new LearnedTables<TableProfile>(clock);
  const columns = new LearnedTables<ReadProfile>(clock);
  const forget = () => {
    profiles.forget();
    columns.forget();
  };
  const connection = new Connection({
    ...options,
    systems: [...new Set([systemId, deviceId])],
    onAccount: forget,
  });
  const rules = streamRules({ systemId, deviceId, eventsTable, healthTable });
  const pusher = new Pusher(connection, { rules, keys, systemId, learned: profiles });
  const puller = new Puller(connection, { systemId, keys, learned: columns });
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
    forget,
    account: () => connection.account,
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
    whoIsSignedIn: () => connection.whoIsSignedIn(),
  };
}
