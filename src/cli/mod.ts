/** The command line's door. @module */
import { ExitCode, run } from "@stricli/core";
import { application } from "./app.ts";
import { giveUpAutostart } from "./autostart/mod.ts";
import { requireRuntime } from "../core/mod.ts";
import { createContext } from "./context.ts";
import { EXIT, exitCodeOf, messageOf } from "./exit.ts";
import { describeConfigFlags, takeConfigFlags } from "./flags.ts";
import { type Io, processIo } from "./io.ts";

export interface MainOptions {
  /** Default: the process's own. */
  io?: Io;
}

/** Runs one command; resolves with the exit code. */
export async function main(
  args: readonly string[],
  { io = processIo() }: MainOptions = {},
): Promise<number> {
  try {
    requireRuntime();
    // `deno task start -- --help` passes its `--` on, which would end the flags.
    const line = takeConfigFlags(args[0] === "--" ? args.slice(1) : args);
    const inputs = withDefaultCommand(line.args);
    if (inputs[0] !== "install" && inputs[0] !== "uninstall") giveUpAutostart();
    const context = createContext(io, line);
    await run(application, inputs, context);
    if (/^(--help|-h|--help-all|-H)$/.test(inputs[0] ?? "")) {
      io.stdout.write(`\n${describeConfigFlags()}`);
    }
    return exitCode(Number(context.process.exitCode ?? EXIT.ok));
  } catch (error) {
    io.stderr.write(`${messageOf(error)}\n`);
    return exitCodeOf(error);
  }
}

/** `clockblock` and `clockblock --once` mean `run`; `--help` and `--version` need no command. */
function withDefaultCommand(args: readonly string[]): readonly string[] {
  const [first] = args;
  const about = /^(--help|--help-all|--version|-[hHv])$/;
  return first === undefined || (first.startsWith("-") && !about.test(first))
    ? ["run", ...args]
    : args;
}

/** Stricli's own codes are negative. */
function exitCode(code: number): number {
  if (code >= 0) return code;
  return code === ExitCode.UnknownCommand || code === ExitCode.InvalidArgument
    ? EXIT.usage
    : EXIT.failed;
}
