/**
 * The composition root: builds the parts that a configuration asks for, starts them under one AbortSignal and
 * closes the store last. What streams there are stands in streams/mod.ts.
 * @module
 */
import { dirname, join } from "node:path";
import { checkListen, createApi, loadToken, serve } from "./api/mod.ts";
import { createRemotes, NO_REMOTES } from "./clouds.ts";
import { type Config, type ConfigFile, Settings } from "./config/mod.ts";
import {
  allEnded,
  type Clock,
  flavour,
  Hub,
  idSource,
  localTimeZone,
  randomId,
  systemClock,
  Warnings,
} from "./core/mod.ts";
import { peekDeviceId, takeDeviceId } from "./device_id.ts";
import { loadPage, projectOf } from "./dashboard/mod.ts";
import {
  DatabaseFileWatch,
  type Displacements,
  lockedBy,
  maintain,
  openRecovered,
  Store,
} from "./store/mod.ts";
import {
  afterRestore,
  createStreams,
  migrations,
  type ProcessLister,
  type StreamsDeps,
} from "./streams/mod.ts";
import { SyncEngine } from "./sync/mod.ts";

export { ListenError } from "./api/mod.ts";
export { type CloudAccount, cloudAccount, supabaseSchema } from "./clouds.ts";
export { migrations, runningProcesses } from "./streams/mod.ts";

export interface AgentOptions {
  clock?: Clock;
  /** Publishes what happens: a command that prints heartbeats subscribes to it. */
  hub?: Hub;
  /** Warnings that outlive a repair. */
  warnings?: Warnings;
  /** Lists processes (default: this system's own list). */
  lister?: ProcessLister;
  /** Polls and publishes, but writes nothing and sends nothing. */
  dryRun?: boolean;
  /** Where the configuration came from: it is followed. */
  file?: ConfigFile | undefined;
  /** The configuration in force; outlives a repair. */
  settings?: Settings | undefined;
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
  /** Called with the API's address once it answers. */
  onListening?: ((url: string) => void) | undefined;
}

/**
 * Runs the agent until the signal aborts. A database that is found damaged meanwhile is repaired by opening
 * it again: the agent ends and restarts.
 */
export async function runAgent(
  config: Config,
  { signal, onListening, ...options }: AgentOptions & RunOptions,
): Promise<void> {
  const shared = { ...withDefaults(options, config), displacements: { lastMs: -Infinity }, signal };
  // "Already running" is the more useful error: the lock is checked first.
  if (!lockedBy(config.db_path)) checkListen({ host: config.api_host, port: config.api_port });
  for (let outcome = "damaged"; outcome === "damaged" && !signal.aborted;) {
    const agent = await openAgent(config, shared).catch((error) => {
      // Stopped in the middle of a repair: the next start continues it.
      if (!signal.aborted) throw error;
    });
    if (!agent) return;
    try {
      outcome = await agent.run({ signal, onListening });
    } finally {
      agent.close();
    }
    onListening = undefined;
  }
}

/** Opens the database, repaired where it was damaged, and builds the agent on it. */
export async function openAgent(config: Config, options: AgentOptions = {}): Promise<Agent> {
  const given = withDefaults(options, config);
  const use = (store: Store) => build(config, { ...given, store });
  const parts = { ...given, migrations };
  if (given.dryRun) return await use(new Store(":memory:", parts));
  const recovery = { ...parts, ...afterRestore(config, given.clock) };
  return await openRecovered(config.db_path, recovery, use);
}

function withDefaults(options: AgentOptions, config: Config) {
  const { clock = systemClock, hub = new Hub(), dryRun = false, file } = options;
  const { warnings = new Warnings({ clock, hub }) } = options;
  const { settings = file && new Settings(config, { file, warnings, clock }) } = options;
  return { ...options, clock, hub, dryRun, warnings, settings };
}

async function build(
  config: Config,
  options: ReturnType<typeof withDefaults> & { store: Store },
): Promise<Agent> {
  const { clock, hub, warnings, store, dryRun, settings } = options;
  const device = dryRun ? peekDeviceId(config) : await takeDeviceId(store, config);
  const { deviceId } = device;
  const remotes = dryRun ? NO_REMOTES : await createRemotes(config, { ...options, ...device });
  const deps: StreamsDeps = {
    ...options,
    ...device,
    ids: idSource(clock),
    timeZone: config.time_zone ?? localTimeZone(),
    realtime: (table) => remotes.supabase?.realtime(table) ?? null,
    clockOffsetMs: (stream) => stream ? engine.clockOffsetMsOf(stream) : engine.clockOffsetMs,
  };
  const streams = await createStreams(deps, config, remotes);
  const engine: SyncEngine = new SyncEngine({
    ...deps,
    timeoutMs: config.timeout_sec * 1_000,
    device: { remote: remotes.devices, deviceId, streams },
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
    token: dryRun ? randomId() : await loadToken(join(dirname(config.db_path), "api-token")),
    page: await loadPage(projectOf(config)),
    flavour: flavour(),
  });

  return {
    store,
    sync: engine,
    hub,
    warnings,
    pollOnce: async () => void await Promise.all(streams.map((stream) => stream.pollOnce?.())),
    fetch: (request) => api.fetch(request),
    async run({ signal, onListening = () => {} }) {
      const end = new AbortController();
      const onDamaged = () => end.abort();
      const stop = AbortSignal.any([signal, end.signal]);
      const server = serve(api, { host: config.api_host, port: config.api_port, signal: stop });
      store.announce(server.url);
      onListening(server.url);
      const watch = dryRun ? null : new DatabaseFileWatch(store, options);
      await allEnded([
        server.finished,
        engine.run(stop),
        dryRun ? undefined : maintain(store, { signal: stop, warnings, clock, streams, onDamaged }),
        watch?.watch({ signal: stop, onDisplaced: onDamaged }),
        settings?.watch(stop, (result) => {
          for (const stream of streams) stream.configured?.();
          engine.scheduleChanged();
          hub.publish("config", result);
        }),
        ...streams.map((stream) => stream.run?.(stop)),
      ], onDamaged);
      // The last connection to close removes the log: that must be the agent's own, not a worker's.
      await store.checkpointer.rest();
      await watch?.leave();
      return signal.aborted ? "stopped" : "damaged";
    },
    close: () => store.close(),
  };
}
