/**
 * A process with the name of a game, which does nothing but be there.
 * @module
 */

import { removeFolder } from "../temp.ts";

/** How long it lives when a test forgets to end it. */
const LIFETIME_SEC = 600;

export interface FakeGame extends AsyncDisposable {
  readonly pid: number;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
}

/** Starts a process whose image has this name: `Minecraft.exe`, `java`. */
export async function startFakeGame(name: string): Promise<FakeGame> {
  const dir = await Deno.makeTempDir({ prefix: "clockblock-game-" });
  const path = `${dir}/${name}`;
  // Deno itself serves elsewhere: Windows' own small programs need their language files beside them, and macOS may
  // end a program of its own that was copied.
  const linux = Deno.build.os === "linux";
  await Deno.copyFile(linux ? "/bin/sleep" : Deno.execPath(), path);
  const args = linux
    ? [`${LIFETIME_SEC}`]
    : ["eval", `setTimeout(() => {}, ${LIFETIME_SEC * 1000})`];
  const child = new Deno.Command(path, { args, stdout: "null", stderr: "null" }).spawn();

  let stopped: Promise<void> | undefined;
  const stop = () =>
    stopped ??= (async () => {
      child.kill("SIGKILL");
      await child.status;
      removeFolder(dir);
    })();
  return { pid: child.pid, stop, [Symbol.asyncDispose]: stop };
}
