/**
 * A command's world in memory: what it printed can be read, and it can be told to stop.
 * @module
 */
import { type Io, type Output, outputTo } from "../../../src/cli/io.ts";

export interface CapturedIo extends Io {
  /** Everything on stdout so far. */
  readonly out: string;
  /** Everything on stderr so far. */
  readonly err: string;
  /** Ctrl-C. */
  stop(signal?: Deno.Signal): void;
  /** Resolves once stdout holds what is looked for. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
}

export interface CapturedIoOptions {
  cwd?: string;
  env?: Readonly<Record<string, string>>;
  terminal?: boolean;
  /** What is typed when something is asked, line by line. */
  answers?: readonly string[];
}

export function capturedIo(
  { cwd, env = {}, terminal = false, answers = [] }: CapturedIoOptions = {},
): CapturedIo {
  const text = { out: "", err: "" };
  const typed = [...answers];
  const encoder = new TextEncoder();
  const stops = new Set<(signal: Deno.Signal) => void>();
  const waiting = new Set<() => void>();
  const output = (name: "out" | "err"): Output =>
    outputTo({
      terminal,
      gone: false,
      color: terminal,
      width: () => 80,
      raw(written) {
        text[name] += written;
        for (const look of waiting) look();
      },
    });
  return {
    stdout: output("out"),
    stderr: output("err"),
    env,
    cwd,
    input: () => ReadableStream.from(typed.splice(0).map((line) => encoder.encode(`${line}\n`))),
    ask: () => Promise.resolve(typed.shift() ?? null),
    onStop(handler) {
      stops.add(handler);
      return () => stops.delete(handler);
    },
    get out() {
      return text.out;
    },
    get err() {
      return text.err;
    },
    stop: (signal = "SIGINT") => stops.forEach((handler) => handler(signal)),
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`${pattern} was not printed but:\n${text.out}\n${text.err}`));
        }, 20_000);
        const look = () => {
          const found = pattern.exec(text.out);
          if (!found) return;
          clearTimeout(late);
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}
