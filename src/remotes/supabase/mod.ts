/** Supabase as a remote: rows through PostgREST, changes through Realtime, accounts by e-mail and password. @module */
import { type Instant, instantOf, type Remote, systemClock } from "../../core/mod.ts";
import { Account, type AccountOptions } from "./account.ts";
import { ringOnChange } from "./doorbell.ts";
import { LearnedTables } from "./learned_tables.ts";
import { Project, type ProjectOptions } from "./project.ts";
import { type ReadProfile, TableReader } from "./pull.ts";
import { TableWriter } from "./push.ts";
import type { Keys } from "./query.ts";
import type { TableProfile } from "./table_profile.ts";
import { streamRules } from "./tables.ts";
import schemaText from "./schema.sql" with { type: "text" };

export { encryptedTokenStore, memoryTokenStore } from "./token_store.ts";

/** The tables, policies and triggers that the cloud needs, as SQL. */
export const schemaSql: string = schemaText;

export interface SupabaseRemoteOptions
  extends ProjectOptions, Omit<AccountOptions, "systems" | "onAccount"> {
  /** The system that the rows belong to; rows of other systems are not read. */
  systemId: string;
  deviceId: string;
  /** The key columns of those that have none called `id`. */
  recordKeys?: Keys;
  eventsTable: string;
  healthTable: string;
  realtime?: boolean;
  /** How long a subscription may be down before it is opened again. */
  giveUpMs?: number;
  /** Called after a push with the columns that a table of an earlier schema lacks; mostly none. */
  onLacking?: (table: string, columns: readonly string[]) => void;
  /** Called when Realtime starts to work and when it stops working. */
  onRealtime?: (connected: boolean) => void;
}

/** The remote, and a person's sign-in. */
export interface Supabase extends Remote {
  /** Whether Realtime reports changes of a table, and since when that is so; null when it is off. */
  realtime(table: string): { connected: boolean; since: Instant } | null;
  login(email: string, password: string): Promise<void>;
  logout(): Promise<void>;
  /** The account that is signed in on this machine, or null. Makes no request. */
  whoIsSignedIn(): Promise<string | null>;
}

export function createSupabase(options: SupabaseRemoteOptions): Supabase {
  const { systemId, deviceId, eventsTable, healthTable } = options;
  const { recordKeys: keys = {}, realtime = true, clock = systemClock } = options;
  const { onRealtime = () => {}, onLacking = () => {} } = options;
  const profiles = new LearnedTables<TableProfile>(clock);
  const columns = new LearnedTables<ReadProfile>(clock);
  const forget = () => {
    profiles.forget();
    columns.forget();
  };
  const project = new Project(options);
  const account = new Account(project, {
    ...options,
    systems: [...new Set([systemId, deviceId])],
    onAccount: forget,
  });
  const rules = streamRules({ systemId, deviceId, eventsTable, healthTable });
  const writer = new TableWriter({
    ...{ project, account, rules, keys, systemId, onLacking },
    learned: profiles,
  });
  const reader = new TableReader({ project, systemId, keys, learned: columns });
  const realtimeState = (connected: boolean) => ({ connected, since: instantOf(clock.now()) });
  const begun = realtimeState(false);
  /** By table; those that nobody watches have none. */
  const live = new Map<string, typeof begun>();

  return {
    name: project.name,
    async push(batch, { signal }) {
      await account.signedIn();
      return await writer.push(batch, signal);
    },
    async pull(table, cursor, options) {
      await account.signedIn();
      return await reader.page(table, cursor, options);
    },
    probe: ({ signal }) => project.probe(signal),
    refresh: () => account.refresh(),
    forget,
    account: () => account.email,
    ...(realtime
      ? {
        watch: (
          tables: readonly string[],
          ring: (table: string) => void,
          { signal }: { signal: AbortSignal },
        ) =>
          ringOnChange(ring, signal, {
            project,
            account,
            systemId,
            tables,
            clock,
            random: options.random ?? Math.random,
            onState(connected) {
              for (const table of tables) {
                if (live.get(table)?.connected !== connected) {
                  live.set(table, realtimeState(connected));
                }
              }
              onRealtime(connected);
            },
            giveUpMs: options.giveUpMs ?? 60_000,
          }),
      }
      : {}),
    realtime: (table) => realtime ? live.get(table) ?? begun : null,
    login: (email, password) => account.login(email, password),
    logout: () => account.logout(),
    whoIsSignedIn: () => account.whoIsSignedIn(),
  };
}
