/**
 * The cloud's module, `cloud.js`: loaded only by a person who signs in or is signed in. It knows supabase-js and keeps
 * the session in the browser; of the page's own state it knows nothing, because it is a bundle of its own.
 * @module
 */
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import type { CloudProject } from "../page.ts";
import { type CloudRecords, cloudRecords } from "./cloud_records.ts";
import { type Fleet, fleetOf } from "./machines.ts";
import { type Machine, type MachineSource, Refusal } from "./source.ts";
import { supabaseSource } from "./supabase.ts";

export interface Cloud {
  readonly client: SupabaseClient;
  /** The account's e-mail; null without a sign-in. */
  email(): Promise<string | null>;
  signIn(email: string, password: string): Promise<void>;
  /** Ends the session, here even where the cloud cannot be asked to. */
  signOut(): Promise<void>;
  /** A valid access token. */
  token(): Promise<string>;
  /** Calls back when the session begins or ends, also in another tab. */
  onSession(changed: (email: string | null) => void): void;
  machine(machine: Machine): MachineSource;
  records(machine: Machine): CloudRecords;
  /** All machines of the account. */
  readonly fleet: Fleet;
}

/** @param options `storageKey`: where the browser keeps the session */
export function openCloud(project: CloudProject, { storageKey }: { storageKey: string }): Cloud {
  const { url, key, eventsTable, healthTable } = project;
  const client = createClient(url, key, {
    auth: { storageKey, detectSessionInUrl: false },
    db: { retry: false },
  });
  const session = async () => (await client.auth.getSession()).data.session;
  return {
    client,
    email: async () => (await session())?.user.email ?? null,
    async signIn(email, password) {
      const { error } = await client.auth.signInWithPassword({ email, password });
      if (!error) return;
      // A browser sees the code only where the project's answers let it.
      if (error.code === "invalid_credentials" || /invalid login/i.test(error.message)) {
        throw new Refusal(400, "E-mail or password is wrong", "Nothing was changed.");
      }
      if (error.status === undefined || error.status === 0) {
        throw new Refusal(0, "The cloud does not answer", "Try again in a moment.");
      }
      throw new Refusal(error.status, "The cloud refused the sign-in", error.message);
    },
    signOut: async () => void await client.auth.signOut({ scope: "local" }),
    async token() {
      const { access_token } = await session() ?? {};
      if (access_token === undefined) throw new TypeError("Nobody is signed in");
      return access_token;
    },
    onSession(changed) {
      client.auth.onAuthStateChange((_event, session) => changed(session?.user.email ?? null));
    },
    machine: (machine) => supabaseSource({ client, machine, eventsTable, healthTable }),
    records: ({ systemId }) => cloudRecords(client, { systemId, tables: project.recordTables }),
    fleet: fleetOf(client),
  };
}
