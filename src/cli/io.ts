/** Input and output of a command: streams, environment, folder, signals. Tests replace it. @module */
import { terminalText } from "./terminal.ts";

export interface Sink {
  /** Writes the text as it is. A reader that went away (`| head`) is no error. */
  raw(text: string): void;
  /** Whether it is a terminal: output may be coloured and redrawn. */
  readonly terminal: boolean;
  readonly color: boolean;
  /** Whether the reader closed its end: further output is lost. */
  readonly gone: boolean;
  /** Columns, for what has to fit into a line. */
  width(): number;
}

export interface Output extends Sink {
  /** Writes lines; control characters in foreign text are spelled out, so that they cannot steer a terminal. */
  write(lines: string): void;
}

/** Everything printed passes here, except text given to `raw` on purpose. */
export function outputTo(sink: Sink): Output {
  return {
    get gone() {
      return sink.gone;
    },
    terminal: sink.terminal,
    color: sink.color,
    width: () => sink.width(),
    raw: (text) => sink.raw(text),
    write: (lines) => sink.raw(terminalText(lines)),
  };
}

export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string>>;
  /** The folder that relative paths start from (default: the one the process runs in). */
  readonly cwd?: string | undefined;
  /** What is piped in, or typed. */
  input(): ReadableStream<Uint8Array>;
  /** Asks the person, or reads the next line of what is piped in; null when there is none. */
  ask(question: string, options?: { secret?: boolean }): Promise<string | null>;
  /** Calls back at a signal to stop. @returns a function that stops listening */
  onStop(handler: (signal: Deno.Signal) => void): () => void;
}

/** Ctrl-C, `kill`, the closing of the terminal; on Windows also Ctrl-Break. */
const STOP_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK", "SIGHUP", "SIGTERM"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** The process's own. */
export function processIo(): Io {
  return {
    stdout: output(Deno.stdout),
    stderr: output(Deno.stderr),
    env: Deno.env.toObject(),
    input: () => Deno.stdin.readable,
    ask: (question, { secret = false } = {}) => Promise.resolve(ask(question, { secret })),
    onStop(handler) {
      const handlers = STOP_SIGNALS.map((signal) => [signal, () => handler(signal)] as const);
      for (const [signal, listener] of handlers) Deno.addSignalListener(signal, listener);
      return () => {
        for (const [signal, listener] of handlers) Deno.removeSignalListener(signal, listener);
      };
    },
  };
}

/** Asks for confirmation; without a terminal the answer is no. */
export async function confirmed({ stderr, ask }: Io, question: string): Promise<boolean> {
  if (!stderr.terminal) return false;
  const answer = await ask(`${question} [y/N] `);
  return /^y(es)?$/i.test(answer?.trim() ?? "");
}

const CTRL_C = 3;
const CTRL_D = 4;
const ERASE = [8, 127];
const LINE_ENDS = [10, 13];

/** One line of standard input. A secret is not shown while it is typed. */
function ask(question: string, { secret }: { secret: boolean }): string | null {
  const { stdin } = Deno;
  const terminal = stdin.isTerminal();
  const say = (text: string) => void Deno.stderr.writeSync(new TextEncoder().encode(text));
  const hidden = terminal && secret;
  // Before the question: what is typed right after it must not show.
  if (hidden) stdin.setRaw(true, { cbreak: false });
  if (terminal) say(question);
  try {
    const line: number[] = [];
    const byte = new Uint8Array(1);
    for (;;) {
      const [key] = stdin.readSync(byte) === null ? [undefined] : byte;
      if (key === undefined || (hidden && key === CTRL_D)) {
        return line.length > 0 ? text(line) : null;
      }
      if (hidden && key === CTRL_C) return null;
      if (LINE_ENDS.includes(key)) return text(line);
      if (hidden && ERASE.includes(key)) eraseLast(line);
      else line.push(key);
    }
  } finally {
    if (hidden) {
      stdin.setRaw(false);
      say("\n");
    }
  }
}

/** Removes the last character, which may be several bytes of UTF-8. */
function eraseLast(line: number[]): void {
  while ((line.pop()! & 0b1100_0000) === 0b1000_0000);
}

function text(bytes: readonly number[]): string {
  return new TextDecoder().decode(new Uint8Array(bytes));
}

function output(stream: typeof Deno.stdout): Output {
  const terminal = stream.isTerminal();
  const encoder = new TextEncoder();
  let gone = false;
  return outputTo({
    get gone() {
      return gone;
    },
    terminal,
    color: terminal && !Deno.noColor,
    raw(text) {
      let rest = encoder.encode(text);
      try {
        while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
      } catch (error) {
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
        gone = true;
      }
    },
    width() {
      try {
        // Some terminals report 0.
        return Deno.consoleSize().columns || 80;
      } catch {
        return 80;
      }
    },
  });
}
