/** The remote of each stream, by the configuration. @module */
import { dirname, join } from "node:path";
import { type Config, ConfigError, forbiddenHost } from "./config/mod.ts";
import {
  type Clock,
  type Id,
  pause,
  type Remote,
  RemoteError,
  type StreamName,
  systemClock,
  type Warnings,
} from "./core/mod.ts";
import { createEndpoint } from "./remotes/endpoint/mod.ts";
import type { Supabase, SupabaseRemoteOptions } from "./remotes/supabase/mod.ts";
import { syncBatch } from "./streams/mod.ts";

/** Each stream's remote, and those that belong to no stream. */
export type Remotes = Readonly<Record<StreamName, Remote | null>> & {
  /** Where this machine's own row goes. */
  devices: Remote | null;
  /** The cloud that people sign in to. */
  supabase: Supabase | null;
};

/** For an agent that sends nothing. */
export const NO_REMOTES: Remotes = {
  playtime: null,
  events: null,
  attendance: null,
  records: null,
  devices: null,
  supabase: null,
};

/** Where each stream goes: to an endpoint of its own, else to Supabase, else nowhere. */
export async function createRemotes(
  config: Config,
  { clock, deviceId, systemId, warnings }: {
    clock: Clock;
    deviceId: Id;
    systemId: string;
    warnings: Warnings;
  },
): Promise<Remotes> {
  const { device_token, endpoint_gzip } = config;
  const endpoint = (
    key: string,
    url: string,
    shape: Partial<Parameters<typeof createEndpoint>[0]> = {},
  ) =>
    allowed(
      createEndpoint({
        url,
        token: device_token ?? undefined,
        gzip: endpoint_gzip,
        clock,
        ...shape,
      }),
      key,
      url,
    );
  const onLacking = (table: string, columns: readonly string[]) => {
    const code = `supabase.schema.${table}`;
    if (columns.length === 0) warnings.clear(code);
    else {
      const lacking = `Table ${table} in the cloud has no column ${columns.join(", ")}`;
      warnings.raise(
        code,
        `${lacking}: rows are sent without. Run what "clockblock schema supabase" prints again`,
      );
    }
  };
  const supabase = await supabaseOf(config, { clock, deviceId, systemId, onLacking });
  const rest = supabase && allowed(supabase, "supabase.url", config.supabase.url!);
  const { endpoint_url, events } = config;
  const { endpoint_url: attendanceUrl, path, device_token: attendanceToken } = config.attendance;
  const batch = {
    path: attendanceUrl !== null && endsIn(attendanceUrl, path) ? "" : path,
    token: attendanceToken ?? device_token ?? undefined,
    envelope: syncBatch(deviceId),
  };
  return {
    playtime: endpoint_url === null ? rest : endpoint("endpoint_url", endpoint_url),
    events: events.endpoint_url === null ? rest : withTableElsewhere(
      endpoint("events.endpoint_url", events.endpoint_url),
      events.health_table,
      events.health_url === null ? null : endpoint("events.health_url", events.health_url),
    ),
    attendance: attendanceUrl === null
      ? rest
      : endpoint("attendance.endpoint_url", attendanceUrl, batch),
    records: rest,
    devices: rest?.forbidden ? null : supabase,
    supabase,
  };
}

/** The remote; where this process may not connect to its address, one whose errors advise what to do. */
function allowed(remote: Remote, key: string, url: string): Remote {
  const refused = forbiddenHost(key, url);
  if (!refused) return remote;
  const forbidden = new RemoteError(refused.message, { verdict: pause(refused.advice) });
  const refuse = () => Promise.reject(forbidden);
  const pull = remote.pull && { pull: refuse };
  return { name: remote.name, forbidden, push: refuse, probe: refuse, ...pull };
}

/** Whether an address has the path already. */
function endsIn(url: string, path: string): boolean {
  return new URL(url).pathname.replace(/\/+$/, "").endsWith(path);
}

/** The remote, with the rows of one table going to another. */
function withTableElsewhere(remote: Remote, table: string, elsewhere: Remote | null): Remote {
  if (elsewhere === null) return remote;
  return {
    ...remote.forbidden && { forbidden: remote.forbidden },
    name: remote.name,
    push: (batch, options) => (batch.table === table ? elsewhere : remote).push(batch, options),
    probe: (options) => remote.probe(options),
  };
}

async function supabaseOf(
  { supabase, records, events, db_path, timeout_sec }: Config,
  machine: Pick<SupabaseRemoteOptions, "clock" | "deviceId" | "systemId" | "onLacking">,
): Promise<Supabase | null> {
  const { url, key, email, password, realtime } = supabase;
  if (url === null || key === null) return null;
  const { createSupabase, encryptedTokenStore } = await loadSupabase();
  const folder = dirname(db_path);
  return createSupabase({
    url,
    key,
    email: email ?? undefined,
    password: password ?? undefined,
    ...machine,
    recordKeys: Object.fromEntries(records.tables.map(({ name, key }) => [name, key])),
    eventsTable: events.table,
    healthTable: events.health_table,
    realtime,
    timeoutMs: timeout_sec * 1_000,
    tokens: encryptedTokenStore({
      sessionPath: join(folder, "auth.json"),
      keyPath: join(folder, "auth.key"),
    }),
  });
}

/** Loaded on demand: its library takes as much time and memory as the rest of the agent. */
function loadSupabase(): Promise<typeof import("./remotes/supabase/mod.ts")> {
  return import("./remotes/supabase/mod.ts");
}

/** The SQL that creates a Supabase project's tables. */
export async function supabaseSchema(): Promise<string> {
  return (await loadSupabase()).schemaSql;
}

/** A person's sign-in to the cloud, kept on the disk. */
export type CloudAccount = Pick<Supabase, "login" | "logout" | "whoIsSignedIn">;

/**
 * The sign-in of the configured project, without an agent; null when none is configured. Where this process may not
 * connect to it, `login` throws a ConfigError.
 */
export async function cloudAccount(config: Config): Promise<CloudAccount | null> {
  const account = await supabaseOf(config, { clock: systemClock, deviceId: "", systemId: "" });
  const { url } = config.supabase;
  const forbidden = url === null ? undefined : forbiddenHost("supabase.url", url);
  if (!account || !forbidden) return account;
  return {
    login: () => Promise.reject(new ConfigError([`${forbidden.message}: ${forbidden.advice}`])),
    logout: () => account.logout(),
    whoIsSignedIn: () => account.whoIsSignedIn(),
  };
}
