/**
 * The agent as people run it: a process of its own, in a folder of its own, under the very permissions that are
 * baked into the executable. It is found by the one line it prints when it is ready.
 * @module
 */
import { fileURLToPath } from "node:url";
import { permissionFlags } from "../../../build/permissions.ts";
import { V8_FLAGS } from "../../../build/v8_flags.ts";
import { removeFolder } from "../temp.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** What the agent prints on stdout, once, when its API answers. */
const READY = /^ClockBlock \S+ is running: (http:\/\/\S+)/m;

const READY_WITHIN_MS = 30_000;
const STOPS_WITHIN_MS = 10_000;

export interface AgentOptions {
  /** Written as `config.json`; `api_port` is 0 unless it says otherwise. Without it the folder's own file stays. */
  config?: Readonly<Record<string, unknown>>;
  /** The folder to start in, left as it is afterwards (default: a new one, removed on disposal). */
  dir?: string;
  /** Arguments for the program, after `run`'s own. */
  args?: readonly string[];
  /** Environment variables; those of the tests' own environment that begin with `CLOCKBLOCK_` are not passed on. */
  env?: Readonly<Record<string, string>>;
  /** The module to run (default: `main.ts`), or a bundle of it. */
  entry?: string;
  /** Hosts granted besides those of `permissions.agent`. */
  hosts?: readonly string[];
  /** The path of a program that it may run besides those of `permissions.agent`. */
  mayRun?: string;
  /** The command that is the agent, instead of Deno with a module: an executable, and what runs it where it is emulated. */
  program?: readonly string[];
  /** The command that runs Deno where that is not simply the one that runs the tests: in front of the system it is for. */
  emulated?: { deno: readonly string[]; os: typeof Deno.build.os };
}

/** An agent that is up. Disposal kills it and removes its folder. */
export interface AgentProcess extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, without a slash at its end. */
  readonly url: string;
  readonly dir: string;
  readonly pid: number;
  /** Everything printed so far, stdout and stderr as they came. */
  readonly output: string;
  /** How the process ended, once it has. */
  readonly ended: Promise<Deno.CommandStatus>;
  /** The bearer token for writes. */
  token(): Promise<string>;
  /** Ends it at once and waits until it is gone. */
  kill(signal?: Deno.Signal): Promise<Deno.CommandStatus>;
  /** Asks it to end (on Windows, where nothing can be asked, ends it) and waits until it has. */
  stop(): Promise<Deno.CommandStatus>;
}

/** Starts the agent and waits until its API answers. */
export async function startAgent(options: AgentOptions = {}): Promise<AgentProcess> {
  const dir = options.dir ?? await Deno.makeTempDir({ prefix: "clockblock-agent-" });
  if (options.config) {
    const config = { api_port: 0, ...options.config };
    await Deno.writeTextFile(`${dir}/config.json`, JSON.stringify(config, null, 2));
  }

  const child = command(options, dir, options.args ?? []).spawn();
  let output = "";
  const ready = Promise.withResolvers<string>();
  const read = (stream: ReadableStream<Uint8Array>, seen: (all: string) => void) => {
    let all = "";
    return stream.pipeThrough(new TextDecoderStream()).pipeTo(
      new WritableStream({
        write(text) {
          output += text;
          all += text;
          seen(all);
        },
      }),
    );
  };
  const drained = Promise.all([
    read(child.stdout, (all) => {
      const url = READY.exec(all)?.[1];
      if (url) ready.resolve(url.replace(/\/$/, ""));
    }),
    read(child.stderr, () => {}),
  ]);
  const ended = drained.then(() => child.status);
  const failed = (why: string) => new Error(`The agent ${why}; it printed:\n${output}`);
  void ended.then(({ code }) => ready.reject(failed(`ended with code ${code} before it was up`)));
  const late = setTimeout(
    () => ready.reject(failed(`was not up after ${READY_WITHIN_MS} ms`)),
    READY_WITHIN_MS,
  );

  const send = async (signal: Deno.Signal) => {
    try {
      // What emulates runs the agent as a process of its own: all of the group end.
      if (isDetached(options)) Deno.kill(-child.pid, signal);
      else child.kill(signal);
    } catch (error) {
      // It ended by itself in the meantime.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    return await ended;
  };
  const dispose = async () => {
    await send("SIGKILL");
    if (options.dir === undefined) removeFolder(dir);
  };

  let url: string;
  try {
    url = await ready.promise;
  } catch (error) {
    await dispose();
    throw error;
  } finally {
    clearTimeout(late);
  }
  return {
    url,
    dir,
    pid: child.pid,
    get output() {
      return output;
    },
    ended,
    token: async () => (await Deno.readTextFile(`${dir}/api-token`)).trim(),
    kill: (signal = "SIGKILL") => send(signal),
    async stop() {
      const slow = setTimeout(() => void send("SIGKILL"), STOPS_WITHIN_MS);
      try {
        return await send("SIGTERM");
      } finally {
        clearTimeout(slow);
      }
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** Runs one command of the program to its end, under the same permissions: `sync status`, a start that must fail. */
export async function runAgent(
  args: readonly string[],
  options: Omit<AgentOptions, "args" | "config"> & { dir: string },
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await command(options, options.dir, args).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

function command(options: AgentOptions, cwd: string, args: readonly string[]): Deno.Command {
  const { entry = `${root}main.ts`, hosts = [], mayRun, emulated } = options;
  const { deno, os } = emulated ?? { deno: [Deno.execPath()], os: Deno.build.os };
  const env = Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("CLOCKBLOCK_")),
  );
  const environment = {
    cwd,
    env: { ...env, NO_COLOR: "1", ...options.env },
    clearEnv: true,
    detached: isDetached(options),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  } as const;
  if (options.program) {
    const [program = "", ...before] = options.program;
    return new Deno.Command(program, { ...environment, args: [...before, ...args] });
  }
  const [program = "deno", ...before] = deno;
  const flags = permissionFlags(undefined, { hosts, os });
  if (mayRun) flags.push(`--allow-run=${mayRun}`);
  return new Deno.Command(program, {
    // As the executable: with its flags, and without a cache of compiled code, which makes a start look better.
    args: [...before, "run", "--quiet", "--no-code-cache", V8_FLAGS, ...flags, entry, ...args],
    ...environment,
  });
}

/** Whether what runs the agent is a process besides it: then all of the group are ended together. */
function isDetached({ emulated, program = [] }: AgentOptions): boolean {
  return emulated !== undefined || program.length > 1;
}
