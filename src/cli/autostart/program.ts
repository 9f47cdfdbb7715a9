/** The command started at login: this program, in this folder, with the given flags of the configuration. @module */
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { configKeys } from "../../config/mod.ts";
import { startCommand } from "../../core/mod.ts";
import { UsageError } from "../exit.ts";
import type { CommandLine } from "../flags.ts";

export interface Program {
  /** Absolute path of the program, and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** The folder with its files, in which it starts. */
  readonly folder: string;
}

export interface ProgramOptions {
  /** The folder that the command was given in. */
  folder: string;
  /** Whether this is the executable. */
  standalone?: boolean;
  /** The file that runs: the executable, or Deno. */
  execPath?: string;
  /** The module that Deno runs. */
  mainModule?: string;
}

/** @throws {UsageError} when the command cannot be repeated at login */
export function programAtLogin(line: CommandLine, options: ProgramOptions): Program {
  const {
    folder,
    standalone = Deno.build.standalone,
    execPath = Deno.execPath(),
    mainModule = Deno.mainModule,
  } = options;
  const flags = flagsOf(line);
  const [program, ...args] = standalone
    ? [execPath, "run"]
    : [execPath, ...sourceArguments(mainModule, folder)];
  const command = [program, ...args, ...flags] as const;
  for (const text of [...command, folder]) {
    // deno-lint-ignore no-control-regex -- no system's files of tasks can hold them
    if (!/[\x00-\x1f\x7f]/.test(text)) continue;
    throw new UsageError(`Cannot install: ${JSON.stringify(text)} has a control character in it`);
  }
  return { command, folder };
}

/** What `deno task start` runs, after the name of Deno. */
function sourceArguments(mainModule: string, folder: string): string[] {
  const main = mainModule.startsWith("file:") ? fileURLToPath(mainModule) : mainModule;
  const again = "Use the executable, or deno task cli install in the project's folder";
  if (basename(main) !== "main.ts") {
    throw new UsageError(`Cannot install: this ClockBlock was started from "${main}". ${again}`);
  }
  if (dirname(main) !== folder) {
    throw new UsageError(
      `Cannot install: ClockBlock's source lies in "${
        dirname(main)
      }", not in "${folder}". ${again}`,
    );
  }
  const [, ...args] = startCommand.split(" ");
  return args.map((arg) => arg === "main.ts" ? join(folder, arg) : arg);
}

function flagsOf({ config, configPath }: CommandLine): string[] {
  const flags = configPath === undefined ? [] : [`--config=${configPath}`];
  for (const [path, value] of config) {
    const key = configKeys.find((key) => key.path === path);
    if (!key) continue;
    if (key.secret) {
      throw new UsageError(
        `Cannot install with ${key.flag}: others could read it there. Put ${path} into config.json`,
      );
    }
    flags.push(`${key.flag}=${value}`);
  }
  return flags;
}
