/**
 * A process with the name of a game, which does nothing but be there.
 * @module
 */

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
  // Deno itself serves on Windows, whose own small programs need their language files beside them.
  const windows = Deno.build.os === "windows";
  await Deno.copyFile(windows ? Deno.execPath() : "/bin/sleep", path);
  const args = windows
    ? ["eval", `setTimeout(() => {}, ${LIFETIME_SEC * 1000})`]
    : [`${LIFETIME_SEC}`];
  const child = new Deno.Command(path, { args, stdout: "null", stderr: "null" }).spawn();

  let stopped: Promise<void> | undefined;
  const stop = () =>
    stopped ??= (async () => {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(dir, { recursive: true });
    })();
  return { pid: child.pid, stop, [Symbol.asyncDispose]: stop };
}
