/**
 * Commands run in this process, in a folder of their own.
 * @module
 */
import { main } from "../../../src/cli/mod.ts";
import { type CapturedIo, capturedIo } from "./captured_io.ts";
import { tempDir } from "../temp.ts";

export interface Ran {
  code: number;
  out: string;
  err: string;
}

export interface Folder extends Disposable {
  path: string;
  /** What is typed when a command asks, line by line. */
  answers: string[];
  /** Runs one command to its end. */
  cli(...args: string[]): Promise<Ran>;
  /** Starts the agent; disposal stops it. */
  start(...args: string[]): Promise<{ url: string; io: CapturedIo } & AsyncDisposable>;
  files(): string[];
}

/** A folder to run commands in, with this configuration; `api_port` is 0 unless it says otherwise. */
export function cliFolder(config: Readonly<Record<string, unknown>> = {}): Folder {
  const dir = tempDir();
  Deno.writeTextFileSync(`${dir.path}/config.json`, JSON.stringify({ api_port: 0, ...config }));
  return {
    path: dir.path,
    answers: [],
    async cli(...args) {
      const io = capturedIo({ cwd: dir.path, answers: this.answers });
      const code = await main(args, { io });
      return { code, out: io.out, err: io.err };
    },
    async start(...args) {
      const io = capturedIo({ cwd: dir.path });
      const ended = main(["run", ...args], { io });
      const [, url] = await io.printed(/is running: (\S+)\n/);
      return {
        url: url!,
        io,
        async [Symbol.asyncDispose]() {
          io.stop();
          await ended;
        },
      };
    },
    files: () => [...Deno.readDirSync(dir.path)].map(({ name }) => name).sort(),
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}
