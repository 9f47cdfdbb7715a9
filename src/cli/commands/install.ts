/** `clockblock install` and `uninstall`: start at login. Neither touches data. @module */
import { buildCommand, type Command } from "@stricli/core";
import { type Config, ConfigError } from "../../config/mod.ts";
import { systemClock } from "../../core/mod.ts";
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

/** Time limit for the agent's first answer: a large database on a busy machine right after login. */
const PATIENCE_MS = 20_000;
/** Time limit for the end of the agent, which stops within two seconds. */
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
        { replace },
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
      // Windows does not wait for its end.
      if (undone) await agentEnded(this);
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

/** On a system without start at login, the error has the command to register by hand. */
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

/** The agent's address, once it answers. */
async function urlOf(config: Config): Promise<string> {
  const deadline = systemClock.monotonic() + PATIENCE_MS;
  for (;;) {
    try {
      const agent = await runningAgent(config);
      if (agent?.url) return agent.url;
    } catch (error) {
      // It is starting.
      if (!(error instanceof NoAnswerError)) throw error;
    }
    if (systemClock.monotonic() > deadline) {
      throw new AutostartError(
        "It is installed, but the agent does not answer. Its log, or clockblock run in this folder, shows the cause",
      );
    }
    await systemClock.wait(RETRY_MS);
  }
}

/** Waits for the agent's end, at most as long as an agent takes. */
async function agentEnded(context: Context): Promise<void> {
  const deadline = systemClock.monotonic() + ENDING_MS;
  while (agentLeft(context) && systemClock.monotonic() < deadline) {
    await systemClock.wait(RETRY_MS);
  }
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
