/** Steps of `install` and `uninstall`: a file or a command each, printed when done; a dry run only prints. @module */
import { logger } from "../../core/mod.ts";

/** Runs a program to its end. @throws {Deno.errors.NotFound} when there is none of that name */
export type RunProgram = (program: string, args: readonly string[]) => Promise<Ran>;

export interface Ran {
  code: number;
  stdout: Uint8Array;
  stderr: Uint8Array;
}

/** A program of the system failed. */
export class AutostartError extends Error {
  override readonly name = "AutostartError";
}

/** This system has no start at login, or it cannot be reached. */
export class NoAutostartError extends AutostartError {}

/** The agent of another folder starts at login. */
export function belongsTo(folder: string): AutostartError {
  return new AutostartError(
    `Cannot go on: the ClockBlock that starts at login is the one in "${folder}". ` +
      "Run clockblock uninstall there first, or clockblock install --replace here",
  );
}

export interface InstallSteps {
  /** Writes a file, readable by its owner only. @returns whether it was different before */
  write(path: string, content: Uint8Array): boolean;
  /** Removes a file, if it is there. */
  remove(path: string): void;
  /** Runs a program. @throws {AutostartError} when it fails */
  run(program: string, ...args: string[]): Promise<Ran>;
  /** Runs a program whose failure does not matter. */
  attempt(program: string, ...args: string[]): Promise<Ran>;
  /** Queries a program without changing anything: not printed, and not run in a dry run. */
  ask(program: string, ...args: string[]): Promise<Ran | undefined>;
  readonly dryRun: boolean;
}

export interface InstallStepsOptions {
  /** Prints one line per step. */
  print: (line: string) => void;
  dryRun?: boolean;
  run?: RunProgram;
}

export function installSteps(
  { print, dryRun = false, run = runProgram }: InstallStepsOptions,
): InstallSteps {
  const start: RunProgram = async (program, args) => {
    try {
      return await run(program, args);
    } catch (error) {
      throw whyNot(program, error) ?? error;
    }
  };
  const perform = async (program: string, args: readonly string[]): Promise<Ran> => {
    const line = shellLine(program, args);
    if (dryRun) {
      print(`Would run ${line}`);
      return { code: 0, stdout: new Uint8Array(), stderr: new Uint8Array() };
    }
    const ran = await start(program, args);
    logger("cli").debug("{line} ended with {code}", { line, code: ran.code });
    if (ran.code === 0) print(`Ran        ${line}`);
    return ran;
  };
  return {
    dryRun,
    write(path, content) {
      if (dryRun) {
        print(`Would write ${path}:\n\n${indented(shown(content))}\n`);
        return true;
      }
      if (equal(content, read(path))) {
        print(`Unchanged  ${path}`);
        return false;
      }
      Deno.writeFileSync(path, content, { mode: 0o600 });
      print(`Wrote      ${path}`);
      return true;
    },
    remove(path) {
      if (dryRun) return print(`Would remove ${path}`);
      try {
        Deno.removeSync(path);
        print(`Removed    ${path}`);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
    async run(program, ...args) {
      const ran = await perform(program, args);
      if (ran.code === 0) return ran;
      const line = shellLine(program, args);
      throw new AutostartError(`Cannot go on: ${line} ended with ${ran.code}${failureText(ran)}`);
    },
    attempt: (program, ...args) => perform(program, args),
    ask: async (program, ...args) => dryRun ? undefined : await start(program, args),
  };
}

function whyNot(program: string, error: unknown): Error | undefined {
  // Deno passes these variables on only with all permissions.
  const variable = error instanceof Deno.errors.NotCapable &&
    /\b(LD|DYLD)_\w+/.exec(error.message)?.[0];
  if (variable) {
    return new AutostartError(
      `Cannot run ${program} while the variable ${variable} is set. Unset it`,
    );
  }
  // A program that is missing when Deno starts is not in its permissions.
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable
    ? new NoAutostartError(`Cannot find ${program} on this system`, { cause: error })
    : undefined;
}

/** The first line of what a failed program printed, as `: text`; empty when it printed nothing. */
export function failureText({ stdout, stderr }: Ran): string {
  const text = [stderr, stdout].map((bytes) => decode(bytes).trim()).find((text) => text !== "");
  return text === undefined ? "" : `: ${text.split(/\r?\n/)[0]}`;
}

/** Programs of Windows print UTF-16 or a code page; the parts that are parsed are ASCII in each. */
export function decode(bytes: Uint8Array): string {
  const wide = bytes.length > 1 && (bytes[1] === 0 || (bytes[0] === 0xff && bytes[1] === 0xfe));
  return new TextDecoder(wide ? "utf-16le" : "utf-8").decode(bytes);
}

/** A command as a shell takes it. */
export function shellLine(program: string, args: readonly string[]): string {
  return [program, ...args].map(quoted).join(" ");
}

function quoted(argument: string): string {
  if (/^[\w@%+=:,.\/-]+$/.test(argument)) return argument;
  if (Deno.build.os === "windows") return `"${argument}"`;
  return `'${argument.replaceAll("'", `'\\''`)}'`;
}

function shown(content: Uint8Array): string {
  return decode(content).replaceAll("\r", "").trimEnd();
}

function indented(text: string): string {
  return text.split("\n").map((line) => line === "" ? "" : `    ${line}`).join("\n");
}

function read(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function equal(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return a.length === b?.length && a.every((byte, index) => byte === b[index]);
}

async function runProgram(program: string, args: readonly string[]): Promise<Ran> {
  // With the user's environment, which locates the user's services.
  return await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
}
