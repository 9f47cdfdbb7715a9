/** The context of every command: input and output, the command line, the configuration. @module */
import { resolve } from "node:path";
import type { ApplicationContext } from "@stricli/core";
import {
  checkPermissions,
  type Config,
  type ConfigFile,
  giveUpUnused,
  loadConfig,
} from "../config/mod.ts";
import type { CommandLine } from "./flags.ts";
import type { Io } from "./io.ts";

export interface Context extends ApplicationContext {
  readonly io: Io;
  /** The command line as it was given. */
  readonly line: CommandLine;
  /** The configuration, read at the first call: `--help` works with any file. @throws {ConfigError} */
  config(): Config;
  /** The file of the configuration and how it is read again. */
  configFile(): ConfigFile;
}

export function createContext(io: Io, line: CommandLine): Context {
  let config: Config | undefined;
  const load = () => {
    const { configPath: path, config: flags } = line;
    const loaded = loadConfig({ path, flags, env: io.env, cwd: io.cwd });
    checkPermissions(loaded);
    return loaded;
  };
  return {
    io,
    line,
    process: { stdout: io.stdout, stderr: io.stderr },
    config() {
      if (!config) giveUpUnused(config = load());
      return config;
    },
    configFile: () => ({ path: resolve(io.cwd ?? "", line.configPath ?? "config.json"), load }),
  };
}
