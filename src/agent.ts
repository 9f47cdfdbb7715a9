/**
 * The composition root: builds the parts that a configuration asks for, starts them under one AbortSignal and
 * closes the store last. Nothing else in the agent knows more than one stream or one cloud.
 * @module
 */
import { dirname, join } from "node:path";
import { checkListen, createApi, isLoopback, loadToken, serve } from "./api/mod.ts";
import { createRemotes, NO_REMOTES } from "./clouds.ts";
import type { Config } from "./config/mod.ts";
import {
  type Clock,
  flavour,
  Hub,
  idSource,
  localTimeZone,
  randomId,
  systemClock,
  Warnings,
} from "./core/mod.ts";
import { forgetNamesBefore, peekDeviceId, takeDeviceId } from "./device_id.ts";
import { loadPage } from "./dashboard/mod.ts";
import {
  DatabaseFileWatch,
  type Displacements,
  lockedBy,
  maintain,
  openRecovered,
  Store,
  type StreamDeps,
} from "./store/mod.ts";
import { afterRestore, migrations, type ProcessLister, STREAMS } from "./streams/mod.ts";
import { deviceRow, SyncEngine } from "./sync/mod.ts";

export { ListenError } from "./api/mod.ts";
export { type SignIn, signIn, supabaseSchema } from "./clouds.ts";
export { migrations, runningProcesses } from "./streams/mod.ts";

export interface AgentOptions {
  clock?: Clock;
  /** Where the agent's news goes: a command that prints heartbeats listens here. */
  hub?: Hub;
  /** Warnings that outlive a repair. */
  warnings?: Warnings;
  /** How processes are listed (default: as this system does it). */
  lister?: ProcessLister;
  /** Looks and tells, but writes nothing and sends nothing. */
  dryRun?: boolean;
  /** When its file was last deleted or replaced; outlives the agent that begins again. */
  displacements?: Displacements;
  /** Ends the work that a repair may take before there is an agent. */
  signal?: AbortSignal;
}

/** An agent whose database is open. It does nothing by itself until it is run. */
export interface Agent {
  readonly store: Store;
  readonly sync: SyncEngine;
  readonly hub: Hub;
  readonly warnings: Warnings;
  /** The local API without a port: how commands ask when no agent runs. */
  fetch(request: Request): Response | Promise<Response>;
  /** One round of what streams do by themselves, for `--once`; the hub publishes what they recorded. */
  pollOnce(): Promise<void>;
  /** Runs until the signal aborts, or until the database turns out to be damaged or displaced: it must be opened again. */
  run(options: RunOptions): Promise<"stopped" | "damaged">;
  /** Closes the database; nothing may be asked afterwards. */
  close(): void;
}

export interface RunOptions {
  signal: AbortSignal;
  /** Told where the API is, once it answers. */
  onListening?: (url: string) => void;
}

/**
 * Runs the agent until the signal aborts. A database that is found damaged meanwhile is repaired by opening
 * it again: the agent ends and restarts.
 */
export async function runAgent(
  config: Config,
  { signal, onListening, ...options }: AgentOptions & RunOptions,
): Promise<void> {
  const { clock = systemClock, hub = new Hub() } = options;
  const warnings = options.warnings ?? new Warnings({ clock, hub });
  const displacements: Displacements = { lastMs: -Infinity };
  let outcome: "stopped" | "damaged";
  // Before anything is made on the disk; that another agent runs is the better news, where that is why.
  if (!lockedBy(config.db_path)) checkListen({ host: config.api_host, port: config.api_port });
  do {
    let agent: Agent;
    try {
      agent = await openAgent(config, { ...options, clock, hub, warnings, displacements, signal });
    } catch (error) {
      // Asked to end in the middle of a repair: the next start goes on with it.
      if (signal.aborted) return;
      throw error;
    }
    try {
      outcome = await agent.run({ signal, ...(onListening ? { onListening } : {}) });
    } finally {
      agent.close();
    }
    onListening = undefined;
  } while (outcome === "damaged" && !signal.aborted);
}

/** Opens the database, repaired where it was damaged, and builds the agent on it. */
export async function openAgent(config: Config, options: AgentOptions = {}): Promise<Agent> {
  const { clock = systemClock, hub = new Hub(), dryRun = false } = options;
  const { warnings = new Warnings({ clock, hub }) } = options;
  const use = (store: Store) => build(config, { ...options, clock, hub, warnings, dryRun, store });
  const parts = { migrations, clock, warnings };
  if (dryRun) return await use(new Store(":memory:", parts));
  const recovery = { ...parts, ...afterRestore(config, clock), signal: options.signal };
  return await openRecovered(config.db_path, recovery, use);
}

interface BuildOptions extends AgentOptions {
  clock: Clock;
  hub: Hub;
  warnings: Warnings;
  store: Store;
  dryRun: boolean;
}

async function build(config: Config, options: BuildOptions): Promise<Agent> {
  const { clock, hub, warnings, store, dryRun, lister, displacements } = options;
  const folder = dirname(config.db_path);
  const { id: deviceId, before } = dryRun
    ? peekDeviceId(config.db_path, config.device_id)
    : await takeDeviceId(store, config.device_id);
  const systemId = config.records.system_id ?? deviceId;
  const remotes = dryRun ? NO_REMOTES : await createRemotes(config, { clock, deviceId, systemId });
  const deps: StreamDeps & { lister?: ProcessLister | undefined } = {
    store,
    hub,
    warnings,
    clock,
    ids: idSource(clock),
    deviceId,
    formerDeviceIds: before,
    forgetFormerDeviceIds: () => forgetNamesBefore(store),
    systemId,
    timeZone: config.time_zone ?? localTimeZone(),
    dryRun,
    cloud: false,
    realtime: () => remotes.supabase?.realtime() ?? null,
    clockOffsetMs: (stream) => stream ? engine.clockOffsetMsOf(stream) : engine.clockOffsetMs,
    lister,
  };
  for (const stream of STREAMS) await stream.prepare?.(deps);
  const streams = STREAMS.map(({ name, create }) =>
    create({ ...deps, cloud: remotes[name] !== null }, config)
  );
  const engine: SyncEngine = new SyncEngine({
    ...deps,
    timeoutMs: config.timeout_sec * 1_000,
    device: remotes.devices
      ? {
        remote: remotes.devices,
        describe: () => deviceRow({ deviceId, streams, sync: engine.status(), clock }),
      }
      : undefined,
    lanes: streams.flatMap(({ name, outbox, schedule, inbox, reset }) =>
      outbox && schedule ? [{ name, outbox, schedule, inbox, reset, remote: remotes[name] }] : []
    ),
  });
  const api = createApi({
    ...deps,
    streams,
    sync: engine,
    host: config.api_host,
    allowedOrigins: config.api_allowed_origins,
    token: dryRun ? randomId() : await loadToken(join(folder, "api-token")),
    page: await loadPage(),
    flavour: flavour(),
  });

  return {
    store,
    sync: engine,
    hub,
    warnings,
    async pollOnce() {
      for (const stream of streams) await stream.pollOnce?.();
    },
    fetch: (request) => api.fetch(request),
    async run({ signal, onListening = () => {} }) {
      const end = new AbortController();
      const stop = AbortSignal.any([signal, end.signal]);
      if (!isLoopback(config.api_host)) {
        warnings.raise(
          "api.exposed",
          `Other machines can reach this agent (\`api_host\` is ${config.api_host}): they need its token, ` +
            "which they send unencrypted",
        );
      }
      const server = serve(api, { host: config.api_host, port: config.api_port, signal: stop });
      store.announce(server.url);
      onListening(server.url);
      const watch = dryRun
        ? undefined
        : new DatabaseFileWatch(store, { clock, warnings, displacements });
      await allEnded([
        server.finished,
        engine.run(stop),
        dryRun ? undefined : maintain(store, {
          signal: stop,
          warnings,
          clock,
          streams,
          onDamaged: () => end.abort(),
        }),
        watch?.watch({ signal: stop, onDisplaced: () => end.abort() }),
        ...streams.map((stream) => stream.run?.(stop)),
      ], () => end.abort());
      // Whoever closes the database last takes its log away: not a worker that nobody waits for.
      await store.checkpointer.rest();
      await watch?.leave();
      return signal.aborted ? "stopped" : "damaged";
    },
    close: () => store.close(),
  };
}

/** Waits for every part, so that none works on a closed store; the first that fails ends the others. */
async function allEnded(
  parts: readonly (Promise<void> | undefined)[],
  endAll: () => void,
): Promise<void> {
  await Promise.allSettled(parts.map((part) => part?.catch(endAll)));
  await Promise.all(parts);
}
