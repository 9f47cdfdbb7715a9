/**
 * `clockblock install` and `uninstall`: has the system start the agent at login, and no longer. Data is never touched.
 * @module
 */
import { buildCommand, type Command } from "@stricli/core";
import { type Config, ConfigError } from "../../config/mod.ts";
import { type Clock, systemClock } from "../../core/mod.ts";
import { type Holder, lockedBy } from "../../store/mod.ts";
import {
  type Autostart,
  AutostartError,
  installSteps,
  NoAutostartError,
  type Program,
  programAtLogin,
  shellLine,
  systemAutostart,
} from "../autostart/mod.ts";
import { NoAnswerError } from "../client.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit.ts";
import { switchFlag } from "../flags.ts";
import { startCommandLogging } from "../logging.ts";
import { portTaken } from "../port_conflict.ts";
import { runningAgent } from "../session.ts";

/** How long the agent may take until it answers: a large database on a busy machine right after login. */
const PATIENCE_MS = 20_000;
/** An agent that is asked to stop does so within two seconds. */
const ENDING_MS = 3_000;
const RETRY_MS = 100;

const dryRunFlag = switchFlag("Print what would be done and do nothing");

interface Flags {
  dryRun: boolean;
  replace: boolean;
}

export const installCommand: Command<Context> = buildCommand<Flags, [], Context>({
  docs: { brief: "Start the agent whenever you sign in, beginning now" },
  parameters: {
    flags: {
      dryRun: dryRunFlag,
      replace: switchFlag(
        "Take the place of a ClockBlock in another folder, or of one that was moved",
      ),
    },
  },
  async func({ dryRun, replace }) {
    const config = this.config();
    const { stdout, stderr } = this.io;
    await using _log = await startCommandLogging(config, { output: stderr });
    const program = programAtLogin(this.line, { folder: folderOf(this) });
    const print = (line: string) => stdout.write(`${line}\n`);
    await withAutostart(async (autostart) => {
      const before = lockedBy(config.db_path);
      const taken = before || dryRun ? undefined : await portTaken(config);
      if (taken) throw new UsageError(`Cannot start ClockBlock: ${taken}`);
      const { state, active, start } = await autostart.install(
        program,
        installSteps({ print, dryRun }),
        {
          replace,
        },
      );
      if (dryRun) return await start();
      if (before && (active === false || (active === undefined && state === "new"))) {
        const { pid = "unknown" } = before.holder ?? {};
        print(
          `Left alone the agent that already runs (process ${pid}). The next login starts its own`,
        );
      } else if (!before || state === "changed") {
        await start();
      }
      print(`Runs at    ${await urlOf(config)}`);
      print(
        `\n${DONE[state]}: ${autostart.what}. Undo it with clockblock uninstall in this folder.`,
      );
      for (const hint of autostart.hints) print(`${hint}.`);
    }, { program });
    if (/[\\/]_npx[\\/]/.test(program.command[0])) {
      stderr.write(
        "Deno lies in npx's cache: when that is emptied, nothing starts any more. Better install Deno, " +
          "or use the executable\n",
      );
    }
    const variables = Object.keys(this.io.env).filter((name) => name.startsWith("CLOCKBLOCK_"));
    if (variables.length > 0) {
      const verb = variables.length === 1 ? "is" : "are";
      stderr.write(
        `${variables.join(", ")} ${verb} set here and not at login. Use config.json for that\n`,
      );
    }
  },
});

const DONE = { new: "Installed", changed: "Updated", same: "Already installed" } as const;

export const uninstallCommand: Command<Context> = buildCommand<{ dryRun: boolean }, [], Context>({
  docs: { brief: "Undo install; what was recorded stays" },
  parameters: { flags: { dryRun: dryRunFlag } },
  async func({ dryRun }) {
    const { stdout } = this.io;
    const print = (line: string) => stdout.write(`${line}\n`);
    await withAutostart(async (autostart) => {
      const undone = await autostart.uninstall(folderOf(this), installSteps({ print, dryRun }));
      if (dryRun) return;
      // Windows asks it to stop and does not wait.
      if (undone) await ended(() => agentLeft(this) === undefined);
      print(
        undone
          ? `\nUninstalled: ${autostart.what}. What was recorded is still there.`
          : "Nothing to undo: ClockBlock does not start at login.",
      );
    });
    const left = dryRun ? undefined : agentLeft(this);
    if (left) print(`An agent still runs here (process ${left.pid}): ${left.url ?? "starting"}`);
  },
});

function folderOf({ io }: Context): string {
  return io.cwd ?? Deno.cwd();
}

/** Explains the manual way on a system without start at login. */
async function withAutostart(
  work: (autostart: Autostart) => Promise<void>,
  { program }: { program?: Program } = {},
): Promise<void> {
  try {
    const autostart = systemAutostart();
    if (!autostart) throw new NoAutostartError(`Cannot start at login on ${Deno.build.os}`);
    await work(autostart);
  } catch (error) {
    if (!(error instanceof NoAutostartError) || !program) throw error;
    const { command: [name, ...args], folder } = program;
    throw new AutostartError(
      `${error.message}. Have your system run this at login, in the folder ${folder}:\n` +
        `  ${shellLine(name, args)}`,
      { cause: error },
    );
  }
}

/** Where the agent answers, once it does. */
async function urlOf(
  config: Config,
  { clock = systemClock }: { clock?: Clock } = {},
): Promise<string> {
  const deadline = clock.monotonic() + PATIENCE_MS;
  for (;;) {
    try {
      const agent = await runningAgent(config);
      if (agent?.url) return agent.url;
    } catch (error) {
      // It is starting; only what lasts is worth a word.
      if (!(error instanceof NoAnswerError)) throw error;
    }
    if (clock.monotonic() > deadline) {
      throw new AutostartError(
        "It is installed, but the agent does not answer. Its log, or clockblock run in this folder, shows the cause",
      );
    }
    await clock.wait(RETRY_MS);
  }
}

/** Waits until it is so, for as long as an agent takes to end. */
async function ended(
  isSo: () => boolean,
  { clock = systemClock }: { clock?: Clock } = {},
): Promise<void> {
  const deadline = clock.monotonic() + ENDING_MS;
  while (!isSo() && clock.monotonic() < deadline) await clock.wait(RETRY_MS);
}

/** The agent that runs on this folder's database; undefined when the configuration cannot be read. */
function agentLeft(context: Context): Holder | undefined {
  try {
    return lockedBy(context.config().db_path)?.holder;
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}
