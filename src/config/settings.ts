/**
 * The configuration in force. When its file changes, keys that can change at run time are put into the one object that all
 * parts read; the others wait for a restart. A file that is wrong changes nothing.
 * @module
 */
import { type Clock, every, logger, Problem, type Warnings } from "../core/mod.ts";
import { ConfigError } from "./config_error.ts";
import { configKeys } from "./keys.ts";
import type { Config } from "./schema.ts";

/** Where a configuration came from. */
export interface ConfigFile {
  /** Read from the folder that the process runs in. */
  path: string;
  /** The configuration by file, environment and flags. @throws {ConfigError} */
  load: () => Config;
}

/** What reading the file again came to, by keys. */
export interface Reloaded {
  applied: string[];
  needs_restart: string[];
}

export interface SettingsOptions {
  file: ConfigFile;
  warnings: Warnings;
  clock: Clock;
}

/** Keys that parts of the agent read at each use. */
const LIVE: ReadonlySet<string> = new Set([
  "allowance_warn_min",
  "daily_allowance_min",
  "day_starts_at",
  "events.flush.active_hours.days",
  "events.flush.active_hours.from",
  "events.flush.active_hours.time_zone",
  "events.flush.active_hours.to",
  "events.flush.active_sec",
  "events.flush.critical_immediate",
  "events.flush.offhours_sec",
  "log_level",
  "poll_interval_sec",
  "process_name",
  "records.sync_interval_sec",
  "sync_interval_sec",
  "weekly_allowance_min",
]);

/**
 * Between two looks at the file. By its status and not by file events: a watched folder would report every write to the
 * database beside it, and a watched file is lost when an editor replaces it.
 */
const LOOK_MS = 1_000;

const INVALID = "config";
const RESTART = "config-restart";

export class Settings {
  /** The one object; its values change. */
  readonly config: Config;
  readonly #options: SettingsOptions;
  #onReload = (_result: Reloaded) => {};
  #needsRestart: string[] = [];
  #error: string | null = null;
  /** The state of the file when it was read last, and when it was looked at last. */
  #read: string;
  #seen: string;

  constructor(config: Config, options: SettingsOptions) {
    this.config = config;
    this.#options = options;
    this.#read = this.#seen = stateOf(options.file.path);
  }

  status(): { needs_restart: string[]; error: string | null } {
    return { needs_restart: this.#needsRestart, error: this.#error };
  }

  /** Reads the file again. @throws {Problem} when it is wrong, which a warning says as well */
  reload(): Reloaded {
    const { file, warnings } = this.#options;
    const before = this.#read;
    this.#read = stateOf(file.path);
    let loaded: Config;
    try {
      if (this.#read === "" && before !== "") throw gone(file.path);
      loaded = file.load();
    } catch (error) {
      // A file that is gone is gone at the next look too.
      if (this.#read === "") this.#read = before;
      if (!(error instanceof ConfigError)) throw error;
      this.#error = error.message;
      const detail = `${error.problems.join(". ")}. The settings before it stay in force.`;
      warnings.raise(INVALID, detail);
      throw new Problem(400, "Configuration not used", { detail, cause: error });
    }
    this.#error = null;
    warnings.clear(INVALID);
    const changed = configKeys.map(({ path }) => path)
      .filter((path) => JSON.stringify(at(this.config, path)) !== JSON.stringify(at(loaded, path)));
    const applied = changed.filter((path) => LIVE.has(path));
    const needs_restart = changed.filter((path) => !LIVE.has(path));
    for (const path of applied) put(this.config, path, at(loaded, path));
    this.#restart(needs_restart);
    if (applied.length > 0) {
      logger("config").info("Settings changed: {keys}", { keys: applied.join(", ") });
    }
    const result = { applied, needs_restart };
    this.#onReload(result);
    return result;
  }

  /** Reloads the file whenever it has changed, until the signal aborts. `onReload` is called after each reading. */
  async watch(signal: AbortSignal, onReload: (result: Reloaded) => void): Promise<void> {
    const { clock } = this.#options;
    this.#onReload = onReload;
    await every(LOOK_MS, () => this.#look(), { signal, name: "config", clock });
    this.#onReload = () => {};
  }

  #look(): void {
    const state = stateOf(this.#options.file.path);
    const settled = state === this.#seen;
    this.#seen = state;
    // An editor may be in the middle of writing: one look later it is not.
    if (!settled || state === this.#read) return;
    try {
      this.reload();
    } catch (error) {
      // The warning says it.
      if (!(error instanceof Problem)) throw error;
    }
  }

  #restart(keys: string[]): void {
    const { warnings } = this.#options;
    this.#needsRestart = keys;
    if (keys.length === 0) return warnings.clear(RESTART);
    const [verb, have] = keys.length === 1 ? ["needs", "has"] : ["need", "have"];
    warnings.raise(
      RESTART,
      `${keys.join(", ")} ${have} changed in the configuration and ${verb} a restart of the agent.`,
    );
  }
}

function gone(path: string): ConfigError {
  return new ConfigError([`Cannot read ${path}: it is no longer there`]);
}

/** Changes whenever the file does; empty without a file. */
function stateOf(path: string): string {
  try {
    const { mtime, size, ino } = Deno.statSync(path);
    return `${mtime?.getTime()} ${size} ${ino}`;
  } catch {
    // Missing, or not accessible: reading it reports why.
    return "";
  }
}

type Block = Record<string, unknown>;

function at(config: Config, path: string): unknown {
  // Paths come from the schema: all but the last key name blocks.
  return path.split(".").reduce<unknown>((block, key) => (block as Block)[key], config);
}

function put(config: Config, path: string, value: unknown): void {
  const dot = path.lastIndexOf(".");
  const block = dot < 0 ? config : at(config, path.slice(0, dot));
  (block as Block)[path.slice(dot + 1)] = value;
}
