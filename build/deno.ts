/** Runs Deno's own tools, the Deno that runs the build. @module */

/**
 * Runs `deno` with these arguments; what it prints is shown only when it fails.
 * @returns what it printed on stdout
 */
export async function deno(
  args: readonly string[],
  { cwd, env = {} }: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { NO_COLOR: "1", ...env },
    ...(cwd === undefined ? {} : { cwd }),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) {
    const printed = (text(stderr) || text(stdout)).replace(/\n\nStack backtrace:[\s\S]*/, "");
    throw new Error(`Cannot run deno ${args[0]}: ${printed}`);
  }
  return text(stdout);
}
