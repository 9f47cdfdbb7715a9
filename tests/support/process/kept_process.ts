/**
 * A server in a process of its own that ends with this one, even when this one is killed: a shell between the two
 * waits for its stdin to end, then ends the server and removes its folder.
 * @module
 */

/** `$1` is the signal that ends the server, `$2` the folder to remove; a word on stdin keeps the folder. */
const KEEPER = `
  signal=$1 folder=$2; shift 2
  trap : HUP INT TERM
  "$@" & server=$!
  exec >/dev/null 2>&1
  read -r keep
  kill -s "$signal" "$server"
  wait "$server"
  [ -n "$keep" ] || rm -rf "$folder"`;

const READY_WITHIN_MS = 60_000;
const MAX_LOG = 100_000;

export interface KeptProcessOptions {
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Whom to run as, where that is not the user of the tests. */
  user?: { uid: number; gid: number } | undefined;
  /** What ends the server in good order. */
  signal: "INT" | "TERM";
  /** Removed when the server has ended. */
  folder: string;
}

export class KeptProcess {
  /** What the server has printed on stderr. */
  log = "";
  #ended = false;
  readonly #child: Deno.ChildProcess;
  readonly #command: string;
  readonly #drained: Promise<void>;
  readonly #waiting = new Set<() => void>();

  constructor(command: string, { args = [], env, user, signal, folder }: KeptProcessOptions) {
    this.#command = command;
    this.#child = new Deno.Command("/bin/sh", {
      args: ["-c", KEEPER, "sh", signal, folder, command, ...args],
      ...user,
      cwd: folder,
      clearEnv: true,
      env: { PATH: "/usr/bin:/bin", ...env },
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#drained = this.#drain();
  }

  /** Waits until the log has matched `line` `times` times. @throws {Error} with the log, when the server ends before */
  async logged(line: RegExp, { times = 1 } = {}): Promise<void> {
    const deadline = performance.now() + READY_WITHIN_MS;
    while ((this.log.match(line)?.length ?? 0) < times) {
      if (this.#ended || performance.now() > deadline) {
        throw new Error(`${this.#command} did not log ${line}; it printed:\n${this.log}`);
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      const timer = setTimeout(resolve, 1_000);
      await promise;
      clearTimeout(timer);
      this.#waiting.delete(resolve);
    }
  }

  /** Ends the server and waits until it is gone. @param options `keep`: the folder stays */
  async end({ keep = false } = {}): Promise<void> {
    const stdin = this.#child.stdin.getWriter();
    await stdin.write(new TextEncoder().encode(keep ? "keep\n" : "\n")).catch(() => {});
    await stdin.close().catch(() => {});
    await this.#child.status;
    await this.#drained;
  }

  async #drain(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.log = (this.log + text).slice(-MAX_LOG);
      for (const wake of this.#waiting) wake();
    }
    this.#ended = true;
    for (const wake of this.#waiting) wake();
  }
}
