/**
 * The smoke test of an executable, as people get it: put into an empty folder, started, asked, ended, started again.
 *
 *     deno run --allow-all build/smoke.ts dist/clockblock-linux-x64
 *     deno run --allow-all build/smoke.ts deno run <flags> dist/agent.js
 *
 * The expected flavour is part of the program's name, as in a release.
 * @module
 */
import { basename, join, resolve } from "node:path";
import process from "node:process";
import project from "../deno.json" with { type: "json" };

/** What the agent prints once its API answers. */
const READY = /^ClockBlock \S+ is running: (http:\/\/127\.0\.0\.1:\d+)\s/m;

const windows = Deno.build.os === "windows";

export interface SmokeOptions {
  /** The version it must call itself (default: this project's). */
  version?: string;
  /** Called with each verified property. */
  onStep?: (text: string) => void;
  /** How long anything may take: virus scanners delay a first start. */
  withinMs?: number;
}

if (import.meta.main) process.exitCode = await main(Deno.args);

async function main(command: readonly string[]): Promise<number> {
  if (command.length === 0) {
    process.stderr.write("Name the executable: build/smoke.ts <executable> [words…]\n");
    return 2;
  }
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  say(command[0]!);
  try {
    await smoke(command, { onStep: (text) => say(`  ok  ${text}`) });
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    process.stderr.write(`  FAILED  ${error.message}\n`);
    return 1;
  }
}

/**
 * Starts a program and sees that it is ClockBlock and works. An executable alone is copied into an empty folder,
 * where people put it; several words are run there as they are.
 * @throws {Error} with what did not hold, and everything that the program printed meanwhile
 */
export async function smoke(
  command: readonly string[],
  { version = project.version, onStep = () => {}, withinMs = 60_000 }: SmokeOptions = {},
): Promise<void> {
  const [first = "", ...words] = command;
  const flavour = basename(first).startsWith("clockblock-anyhost")
    ? "clockblock-anyhost"
    : "clockblock";
  // The name that the folder really has: on macOS a temporary folder is named through a link.
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "clockblock smoke " }));
  const alone = words.length === 0;
  const path = alone ? join(dir, basename(first)) : first;
  try {
    if (alone) {
      await Deno.copyFile(resolve(first), path);
      // A download is not executable, nor is what comes out of a workflow's artifact.
      if (!windows) await Deno.chmod(path, 0o755);
    }
    const program: Program = { path, words, dir, withinMs };

    const printed = await output(program, ["--version"]);
    expect(printed, version, "--version");
    onStep(`calls itself ${version}`);

    let seen: Seen;
    {
      await using agent = await start(program);
      seen = await ask(agent.url, { version, flavour, withinMs });
      onStep(`answers at ${agent.url} as ${flavour}, with its page and ${seen.routes} routes`);
      await agent.stop();
    }
    onStep(windows ? "can be ended" : "ends with 0 when asked to");

    const heartbeat = JSON.parse(await output(program, ["--once"])) as { id: string };
    {
      await using agent = await start(program);
      const history = await get<{ id: string }[]>(`${agent.url}/history`, withinMs);
      const kept = history.some(({ id }) => id === heartbeat.id);
      if (!kept) throw new Error(`/history lacks the heartbeat of --once: ${heartbeat.id}`);
      const { device_id } = await get<Status>(`${agent.url}/status`, withinMs);
      expect(device_id, seen.deviceId, "the device's id after a restart");
    }
    onStep("keeps heartbeats over a restart");

    if (alone) {
      const plan = await output(program, ["install", "--dry-run"]);
      if (!plan.includes(path)) {
        throw new Error(`install --dry-run does not start ${path}:\n${plan}`);
      }
      onStep("would be started at login itself");
    }
  } finally {
    await removed(dir);
  }
}

interface Program {
  path: string;
  /** Arguments before the program's own. */
  words: readonly string[];
  /** The folder it is started in. */
  dir: string;
  withinMs: number;
}

interface Status {
  version: string;
  flavour: string;
  device_id: string;
}

interface Seen {
  deviceId: string;
  routes: number;
}

/** Asks a running agent what everybody asks it first. */
async function ask(
  url: string,
  { version, flavour, withinMs }: { version: string; flavour: string; withinMs: number },
): Promise<Seen> {
  const status = await get<Status>(`${url}/status`, withinMs);
  expect(status.version, version, "the version in /status");
  expect(status.flavour, flavour, "the flavour in /status");
  const api = await get<{ info: { version: string }; paths: Record<string, unknown> }>(
    `${url}/openapi.json`,
    withinMs,
  );
  expect(api.info.version, version, "the version in /openapi.json");
  if (!("/status" in api.paths)) throw new Error("/openapi.json does not describe /status");
  const response = await fetch(url, { signal: AbortSignal.timeout(withinMs) });
  const page = await response.text();
  expect(response.status, 200, "the answer to /");
  if (!/<script type="module">./.test(page)) throw new Error(`/ is not the dashboard:\n${page}`);
  return { deviceId: status.device_id, routes: Object.keys(api.paths).length };
}

async function get<T>(url: string, withinMs: number): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(withinMs) });
  expect(response.status, 200, `the answer to ${url}`);
  return await response.json();
}

interface Running extends AsyncDisposable {
  url: string;
  /** Ends it as its system lets it be ended. @throws {Error} when it does not end, or not well */
  stop(): Promise<void>;
}

/** Starts the agent on a port that is free. Disposal kills it. */
async function start({ path, words, dir, withinMs }: Program): Promise<Running> {
  const child = new Deno.Command(path, {
    args: [...words, "run", "--api-port", "0"],
    cwd: dir,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let printed = "";
  const ready = Promise.withResolvers<string>();
  const read = (stream: ReadableStream<Uint8Array>) =>
    stream.pipeThrough(new TextDecoderStream()).pipeTo(
      new WritableStream({
        write(text) {
          printed += text;
          const url = READY.exec(printed)?.[1];
          if (url) ready.resolve(url);
        },
      }),
    );
  const drained = Promise.all([read(child.stdout), read(child.stderr)]);
  const ended = drained.then(() => child.status);
  const failed = (why: string) => new Error(`The agent ${why}; it printed:\n${printed}`);
  void ended.then(({ code }) => ready.reject(failed(`ended with ${code} before it was up`)));

  const kill = async () => {
    try {
      child.kill("SIGKILL");
    } catch (error) {
      // It has ended.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    await ended;
  };
  try {
    return {
      url: await within(ready.promise, withinMs, () => failed("never printed its address")),
      async stop() {
        // Windows has no signal that one program could send to another: what ends it there kills it.
        child.kill(windows ? "SIGKILL" : "SIGTERM");
        const { code } = await within(ended, withinMs, () => failed("does not end"));
        if (!windows && code !== 0) throw failed(`ended with ${code} when asked to end`);
      },
      [Symbol.asyncDispose]: kill,
    };
  } catch (error) {
    await kill();
    throw error;
  }
}

/** Runs one command of the program. @returns what it printed, trimmed */
async function output(
  { path, words, dir, withinMs }: Program,
  args: readonly string[],
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(path, {
    args: [...words, ...args],
    cwd: dir,
    stdin: "null",
    signal: AbortSignal.timeout(withinMs),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${text(stderr)}`);
  return text(stdout);
}

async function within<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  const timer = Promise.withResolvers<never>();
  const timeout = setTimeout(() => timer.reject(late()), ms);
  try {
    return await Promise.race([promise, timer.promise]);
  } finally {
    clearTimeout(timeout);
  }
}

function expect<T>(actual: T, expected: T, what: string): void {
  if (actual === expected) return;
  throw new Error(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}

async function removed(dir: string): Promise<void> {
  try {
    await Deno.remove(dir, { recursive: true });
  } catch (error) {
    // On Windows a guard may still hold the program that has just ended; it lies among temporary files.
    if (!windows) throw error;
  }
}
