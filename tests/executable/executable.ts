/**
 * The executables that are tested, made beforehand:
 *
 *     CLOCKBLOCK_EXECUTABLE           of this system; where DENORT_BIN is set instead, it is built on that runtime
 *     CLOCKBLOCK_EXECUTABLE_WINDOWS   of Windows, where the tests run elsewhere
 *     CLOCKBLOCK_WINDOWS_RUN          the command that runs it there, in the current folder: <command> clockblock.exe …
 *
 * @module
 */
import { resolve } from "node:path";
import { bundleAgent, compile, type Target } from "../../build/compile.ts";
import {
  type AgentOptions,
  type AgentProcess,
  runAgent,
  startAgent,
} from "../support/process/agent_process.ts";
import { removeFolder } from "../support/temp.ts";

export interface Executable {
  /** `Executable` or `Executable for Windows`, for the names of tests. */
  name: string;
  os: typeof Deno.build.os;
  /** A new folder with the executable in it, as people put it there. */
  install(): Promise<Installed>;
}

export interface Installed extends Disposable {
  dir: string;
  start(options?: Pick<AgentOptions, "config" | "args" | "env">): Promise<AgentProcess>;
  run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** The same with this environment alone. */
  runIn(env: Readonly<Record<string, string>>, ...args: string[]): ReturnType<Installed["run"]>;
}

/** The executables that are given; the names of the missing ones, saying how to give them. */
export function executables(): { given: Executable[]; missing: string[] } {
  const given: Executable[] = [];
  const missing: string[] = [];
  const native = Deno.env.get("CLOCKBLOCK_EXECUTABLE");
  if (native || Deno.env.get("DENORT_BIN")) {
    given.push(executable("Executable", { file: native, runner: [], os: Deno.build.os }));
  } else {
    missing.push("Executable: skipped, neither CLOCKBLOCK_EXECUTABLE nor DENORT_BIN names a file");
  }
  const windows = Deno.env.get("CLOCKBLOCK_EXECUTABLE_WINDOWS");
  const runner = Deno.env.get("CLOCKBLOCK_WINDOWS_RUN")?.split(" ").filter((part) => part !== "");
  if (windows && runner) {
    given.push(executable("Executable for Windows", { file: windows, runner, os: "windows" }));
  } else if (Deno.build.os !== "windows") {
    missing.push(
      "Executable for Windows: skipped, CLOCKBLOCK_EXECUTABLE_WINDOWS and CLOCKBLOCK_WINDOWS_RUN name no file and command",
    );
  }
  return { given, missing };
}

let built: Promise<string> | undefined;

function executable(
  name: string,
  { file, runner, os }: {
    file: string | undefined;
    runner: readonly string[];
    os: Executable["os"];
  },
): Executable {
  const program = os === "windows" ? "clockblock.exe" : "clockblock";
  return {
    name,
    os,
    async install() {
      // As the agent sees it: on macOS a temporary folder is named through a link.
      const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "clockblock executable " }));
      const path = `${dir}/${program}`;
      await Deno.copyFile(resolve(file ?? await (built ??= build())), path);
      if (Deno.build.os !== "windows") await Deno.chmod(path, 0o755);
      const command = runner.length > 0 ? [...runner, program] : [path];
      return {
        dir,
        start: (options = {}) =>
          startAgent({
            dir,
            ...options,
            config: { process_name: "no such game", ...options.config },
            program: command,
          }),
        run: (...args) => runAgent(args, { dir, program: command }),
        async runIn(env, ...args) {
          const { code, stdout, stderr } = await new Deno.Command(command[0]!, {
            args: [...command.slice(1), ...args],
            cwd: dir,
            clearEnv: true,
            env: { ...env },
          }).output();
          const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
          return { code, stdout: text(stdout), stderr: text(stderr) };
        },
        [Symbol.dispose]: () => removeFolder(dir),
      };
    },
  };
}

async function build(): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "clockblock-build-" });
  const output = `${dir}/clockblock`;
  const bundle = await bundleAgent(dir);
  await compile({ target: Deno.build.target as Target, anyhost: false }, { bundle, output });
  return output;
}
