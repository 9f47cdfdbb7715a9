/**
 * Deno for Windows, wherever the tests run: on Windows it is the Deno that runs them; elsewhere two commands,
 * named by environment variables, run Windows programs (under Wine, say) in the current folder.
 *
 *     CLOCKBLOCK_WINDOWS_DENO      runs Deno for Windows:            <command> run agent.js
 *     CLOCKBLOCK_WINDOWS_PROCESS   runs a process of a given name:   <command> Minecraft.exe <seconds>
 *
 * Wine takes the letters that file names may have from the locale: without LC_ALL=C.UTF-8 or the like only ASCII.
 * @module
 */
import { startFakeGame } from "../support/fakes/fake_game.ts";
import { removeFolder } from "../support/temp.ts";

export interface Windows {
  /** For `startAgent`; nothing on Windows itself. */
  emulated?: { deno: readonly string[]; os: "windows" };
  /** Starts a process of this name. Where it cannot be told to end, it does so after some seconds. */
  startGame(name: string, options: { cwd: string; seconds: number }): Promise<Game>;
}

export interface Game extends AsyncDisposable {
  /** Resolves once the process is there. */
  started(): Promise<void>;
  /** Resolves when it has ended: at once where it can be told to, else when its time is over. */
  stop(): Promise<void>;
}

/** How Windows programs are run here; nothing where they cannot be. */
export function windows(): Windows | undefined {
  if (Deno.build.os === "windows") {
    return {
      startGame: async (name) =>
        Object.assign(await startFakeGame(name), { started: () => Promise.resolve() }),
    };
  }
  const deno = commandOf("CLOCKBLOCK_WINDOWS_DENO");
  const process = commandOf("CLOCKBLOCK_WINDOWS_PROCESS");
  if (!deno || !process) return undefined;
  return {
    emulated: { deno, os: "windows" },
    startGame(name, { cwd, seconds }) {
      const [program = "", ...args] = process;
      const child = new Deno.Command(program, {
        args: [...args, name, `${seconds}`],
        cwd,
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      const stop = async () => void await child.status;
      return Promise.resolve({
        started: () => seen(name),
        stop,
        [Symbol.asyncDispose]: stop,
      });
    },
  };
}

/** Waits until the host's own process list has it: a Windows program under Wine is a process of the host. */
async function seen(name: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const { stdout } = await new Deno.Command("ps", { args: ["-eo", "args="] }).output();
    // Wine shows the Windows path of the program first.
    const lines = new TextDecoder().decode(stdout).split("\n");
    if (lines.some((line) => /^[A-Z]:\\/.test(line) && line.includes(name))) return;
    if (performance.now() > deadline) throw new Error(`No process named ${name} after 20 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function commandOf(variable: string): string[] | undefined {
  return Deno.env.get(variable)?.split(" ").filter((part) => part !== "");
}

/** Whether file names beyond ASCII can be made here. */
export async function namesAreUnicode({ emulated }: Windows, dir: string): Promise<boolean> {
  const [program, ...args] = [
    ...emulated?.deno ?? [Deno.execPath()],
    "eval",
    `Deno.mkdirSync("pr\u00fcfen")`,
  ];
  const { success } = await new Deno.Command(program!, { args, cwd: dir }).output();
  return success;
}

/** A new folder of this name. */
export async function tempFolder(name: string): Promise<{ path: string } & Disposable> {
  const parent = await Deno.makeTempDir();
  const path = `${parent}/${name}`;
  await Deno.mkdir(path);
  return { path, [Symbol.dispose]: () => removeFolder(parent) };
}
