/**
 * What a command sees of the world: where it prints, the environment, the folder, Ctrl-C. The real things by default;
 * a test hands in its own.
 * @module
 */

export interface Output {
  /** Writes the text as it is. A reader that went away (`| head`) is no error. */
  write(text: string): void;
  /** Whether a person looks at it: then it may be coloured and redrawn. */
  readonly terminal: boolean;
  readonly color: boolean;
  /** Columns, for what has to fit into a line. */
  width(): number;
}

export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string>>;
  /** The folder that relative paths start from (default: the one the process runs in). */
  readonly cwd?: string | undefined;
  /** Calls back when somebody asks the program to end. @returns a function that stops listening */
  onStop(handler: (signal: Deno.Signal) => void): () => void;
}

/** Ctrl-C, a polite kill, the closing of the terminal; on Windows also Ctrl-Break. */
const STOP_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK", "SIGHUP", "SIGTERM"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** The process's own. */
export function processIo(): Io {
  return {
    stdout: output(Deno.stdout),
    stderr: output(Deno.stderr),
    env: Deno.env.toObject(),
    onStop(handler) {
      const handlers = STOP_SIGNALS.map((signal) => [signal, () => handler(signal)] as const);
      for (const [signal, listener] of handlers) Deno.addSignalListener(signal, listener);
      return () => {
        for (const [signal, listener] of handlers) Deno.removeSignalListener(signal, listener);
      };
    },
  };
}

function output(stream: typeof Deno.stdout): Output {
  const terminal = stream.isTerminal();
  const encoder = new TextEncoder();
  return {
    terminal,
    color: terminal && !Deno.noColor,
    write(text) {
      let rest = encoder.encode(text);
      try {
        while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
      } catch (error) {
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      }
    },
    width() {
      try {
        // Some terminals say 0.
        return Deno.consoleSize().columns || 80;
      } catch {
        return 80;
      }
    },
  };
}
