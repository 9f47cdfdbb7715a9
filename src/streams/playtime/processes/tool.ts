/**
 * Runs a small program of the operating system and returns what it prints.
 *
 * On Windows a child of `Deno.Command` shares its parent's console, so that none flashes while the agent has one.
 * `node:child_process` can hide a window, but passes on only variables that the agent may read: without `SystemRoot`
 * tasklist does not work.
 * @module
 */
import { programPaths } from "../../../core/programs.ts";

/** More than thousands of processes with long commands. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Outside Windows a tool gets only this environment: the user's could change the output of `ps` (PS_FORMAT, LC_ALL), and
 * Deno refuses to pass LD_* on under the agent's permissions.
 */
const ENVIRONMENT = Deno.build.os === "windows"
  ? { env: {} }
  : { clearEnv: true, env: { LC_ALL: Deno.build.os === "linux" ? "C.UTF-8" : "en_US.UTF-8" } };

export type RunTool = typeof runTool;

/**
 * What a program printed. The program is killed when `signal` aborts, or when it prints more than `MAX_BYTES`.
 * @param options.env additional variables
 * @throws when it cannot be started, fails, or is killed
 */
export async function runTool(
  tool: string,
  args: readonly string[],
  { signal, env = {} }: { signal: AbortSignal; env?: Readonly<Record<string, string>> },
): Promise<Uint8Array> {
  signal.throwIfAborted();
  const child = start(tool, args, env);
  const ended = new AbortController();
  const end = () => ended.abort(signal.reason);
  signal.addEventListener("abort", end, { once: true });
  ended.signal.addEventListener("abort", () => kill(child));
  try {
    const [stdout, stderr, { code }] = await Promise.all([
      take(child.stdout, ended.signal),
      take(child.stderr, ended.signal),
      child.status,
    ]);
    signal.throwIfAborted();
    if (code !== 0) {
      const message = new TextDecoder().decode(stderr).trim().split(/\r?\n/)[0];
      throw new Error(`${tool} ended with code ${code}${message && `: ${message}`}`);
    }
    return stdout;
  } finally {
    signal.removeEventListener("abort", end);
    ended.abort();
  }
}

/** Starts the first path of a tool that exists and may be run. */
function start(
  tool: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Deno.ChildProcess {
  const paths = [...new Set([...tool.includes("/") ? [] : programPaths(tool), tool])];
  for (const [index, path] of paths.entries()) {
    try {
      return new Deno.Command(path, {
        args: [...args],
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
        ...ENVIRONMENT,
        env: { ...ENVIRONMENT.env, ...env },
      }).spawn();
    } catch (error) {
      const denied = error instanceof Deno.errors.NotCapable;
      if (!denied && !isAbsent(error)) throw error;
      if (index < paths.length - 1) continue;
      throw new Error(
        denied ? `it is not permitted to run "${tool}"` : `there is no program "${tool}" here`,
        { cause: error },
      );
    }
  }
  throw new TypeError("a tool has a path");
}

/** Whether a program was not found. Without a PATH, Deno 2.7 throws a plain error. */
function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    (error instanceof Error && error.message.includes("no path to search"));
}

/** The content of a stream, until `signal` aborts: children of a killed program may hold it open. */
async function take(stream: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<Uint8Array> {
  const reader = stream.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.length;
    if (size > MAX_BYTES) throw new RangeError(`printed more than ${MAX_BYTES} bytes`);
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has already ended.
  }
}
