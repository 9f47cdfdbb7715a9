/**
 * Outputs of the log: text on a terminal, JSON lines elsewhere, and a rotating file beside the database. Secrets are
 * replaced by `***`. A log that cannot be written never stops the agent.
 * @module
 */
import { dirname, join } from "node:path";
import { getRotatingFileSink } from "@logtape/file";
import { compareLogLevel, configure, dispose, type LogRecord, type Sink } from "@logtape/logtape";
import type { Config } from "../config/mod.ts";
import { type Clock, errorMessage, systemClock } from "../core/mod.ts";
import type { Output } from "./io.ts";
import { harmless, painter, spelledOut } from "./terminal.ts";

export interface LoggingOptions {
  level: Config["log_level"];
  /** The terminal, or the service manager's log. */
  output: Output;
  /** Lowest level printed there (default: `level`). */
  outputLevel?: Config["log_level"];
  /** The log file; its folder is made at the first line. `null`: none. */
  file: string | null;
  /** The file of record conflicts, one JSON line each at every level; `null`: none. */
  conflictsFile?: string | null;
  /** Texts that must not appear in a log. */
  secrets: readonly string[];
  /** Whether lines for the file wait for `release`: a start that fails leaves no file. */
  held?: boolean;
  /** Size at which the file is rotated. */
  maxBytes?: number;
  clock?: Clock;
}

const OLD_FILES = 5;
const MAX_BYTES = 2_000_000;
/** Pause after a failed write. */
const RETRY_MS = 30_000;
const MAX_HELD = 1_000;
/** Characters of one message: it may quote a server's answer. */
const MAX_LINE = 8_000;

export interface Logging extends AsyncDisposable {
  /** Writes the held lines; later lines are written at once. */
  release(): void;
  /** Logs from this level on. */
  setLevel(level: Config["log_level"]): void;
}

/** Starts logging; disposal writes the buffered lines. */
export async function startLogging(options: LoggingOptions): Promise<Logging> {
  const { output, file, conflictsFile = null } = options;
  let { level, outputLevel = level } = options;
  const hide = redactor(options.secrets);
  const json = (record: LogRecord) => hide(jsonLine(record, { withStack: debugs(level) }));
  const text = (record: LogRecord) => hide(textLine(record, output));
  const toFile = file === null ? undefined : fileSink(file, { ...options, formatter: json });
  // Not redacted: a person restores a lost version from this file.
  const conflictLine = ({ properties }: LogRecord) => `${JSON.stringify(properties)}\n`;
  const toConflicts = conflictsFile === null
    ? undefined
    : fileSink(conflictsFile, { ...options, held: false, formatter: conflictLine });
  const format = output.terminal ? text : json;
  await configure<"output" | "file" | "conflicts" | "meta", "level" | "all">({
    reset: true,
    sinks: {
      output: (record) => {
        if (isAtLeast(record, outputLevel)) output.write(format(record));
      },
      file: toFile?.sink ?? (() => {}),
      conflicts: toConflicts?.sink ?? (() => {}),
      meta(record) {
        toFile?.failed(record);
        toConflicts?.failed(record);
      },
    },
    filters: { level: (record) => isAtLeast(record, level), all: () => true },
    loggers: [
      {
        category: "clockblock",
        sinks: ["output", "file"],
        lowestLevel: "trace",
        filters: ["level"],
      },
      {
        category: ["clockblock", "conflicts"],
        sinks: ["conflicts"],
        lowestLevel: "info",
        // Without a filter of its own the logger has its parent's.
        filters: ["all"],
        parentSinks: "override",
      },
      // LogTape's own messages: a sink that failed.
      {
        category: ["logtape", "meta"],
        sinks: ["meta"],
        lowestLevel: "warning",
        parentSinks: "override",
      },
    ],
  });
  return {
    release: () => toFile?.release(),
    setLevel: (wanted) => level = outputLevel = wanted,
    [Symbol.asyncDispose]: dispose,
  };
}

function isAtLeast(record: LogRecord, level: Config["log_level"]): boolean {
  return compareLogLevel(record.level, level) >= 0;
}

/** The log of a short command: warnings go to standard error, stacks to a file at the levels debug and trace. */
export function startCommandLogging(
  config: Config,
  { output }: { output: Output },
): Promise<Logging> {
  const { log_level: level } = config;
  const debugging = debugs(level);
  return startLogging({
    level,
    output,
    outputLevel: debugging || level === "info" ? "warning" : level,
    file: debugging ? logPathOf(config) : null,
    conflictsFile: conflictsPathOf(config),
    secrets: secretsOf(config),
  });
}

/** Whether the log has stacks. */
export function debugs(level: Config["log_level"]): boolean {
  return level === "debug" || level === "trace";
}

export function logPathOf({ db_path }: Config): string {
  return join(dirname(db_path), "logs", "clockblock.log");
}

export function conflictsPathOf({ db_path }: Config): string {
  return join(dirname(db_path), "logs", "conflicts.log");
}

export function secretsOf({ attendance, device_token, supabase }: Config): string[] {
  return [device_token, attendance.device_token, supabase.key, supabase.password]
    .filter((secret) => secret !== null);
}

/**
 * A file as a sink. The first failure (no such folder, full disk, a file that Windows holds open) is printed to `output`;
 * the file is opened again later, because LogTape's sink stays closed after a failed rotation.
 */
function fileSink(
  path: string,
  { output, formatter, held = false, maxBytes = MAX_BYTES, clock = systemClock }:
    & LoggingOptions
    & { formatter: (record: LogRecord) => string },
): { sink: Sink & AsyncDisposable; failed: (record: LogRecord) => void; release: () => void } {
  let waiting: LogRecord[] | undefined = held ? [] : undefined;
  let inner: (Sink & AsyncDisposable) | undefined;
  let retryAt = -Infinity;
  let reported = false;
  const giveUp = (error: unknown) => {
    void inner?.[Symbol.asyncDispose]();
    inner = undefined;
    retryAt = clock.monotonic() + RETRY_MS;
    if (reported) return;
    reported = true;
    output.write(`Cannot write the log ${path}: ${errorMessage(error)}. Going on without it\n`);
  };
  const write: Sink = (record) => {
    if (!inner && clock.monotonic() < retryAt) return;
    try {
      inner ??= openFile(path, { formatter, maxBytes });
      inner(record);
    } catch (error) {
      giveUp(error);
    }
  };
  return {
    sink: Object.assign((record: LogRecord) => {
      if (!waiting) write(record);
      else if (waiting.length < MAX_HELD) waiting.push(record);
    }, { [Symbol.asyncDispose]: async () => await inner?.[Symbol.asyncDispose]() }),
    failed: ({ properties }) => {
      if (properties["path"] === path) giveUp(properties["error"]);
    },
    release() {
      const records = waiting ?? [];
      waiting = undefined;
      records.forEach(write);
    },
  };
}

function openFile(
  path: string,
  { formatter, maxBytes }: { formatter: (record: LogRecord) => string; maxBytes: number },
): Sink & AsyncDisposable {
  Deno.mkdirSync(dirname(path), { recursive: true });
  return getRotatingFileSink(path, {
    formatter,
    maxSize: maxBytes,
    maxFiles: OLD_FILES,
    // In the background: every flush waits for the disk.
    nonBlocking: true,
    flushInterval: 2_000,
    // The overload for `nonBlocking` comes after the general one, so TypeScript never selects it.
  }) as unknown as Sink & AsyncDisposable;
}

/** Replaces the given texts (also in JSON and URL notation), bearer tokens and signed tokens by `***`. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = secrets
    // Replacing a word of three letters would make the log unreadable.
    .filter((secret) => secret.length >= 4)
    .flatMap((
      secret,
    ) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
  return (text) => {
    let shown = text;
    for (const form of forms) shown = shown.replaceAll(form, "***");
    return shown
      .replaceAll(/\b(bearer)\s+[\w.~+/=-]+/gi, "$1 ***")
      .replaceAll(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, "***");
  };
}

const MARKS = {
  trace: ["dim", "trace"],
  debug: ["dim", "debug"],
  info: ["blue", "info "],
  warning: ["yellow", "warn "],
  error: ["red", "error"],
  fatal: ["red", "fatal"],
} as const;

/** `12:00:05 warn  sync  Cannot push 40 heartbeats …` */
function textLine(record: LogRecord, output: Output): string {
  const paint = painter(output);
  const [color, mark] = MARKS[record.level];
  const time = new Date(record.timestamp).toTimeString().slice(0, 8);
  return `${paint("dim", time)} ${paint(color, mark)} ${paint("dim", roomOf(record).padEnd(10))} ${
    harmless(messageOf(record))
  }\n`;
}

function jsonLine(record: LogRecord, { withStack }: { withStack: boolean }): string {
  const head = {
    time: new Date(record.timestamp).toISOString(),
    level: record.level,
    room: roomOf(record),
    message: messageOf(record),
  };
  try {
    const properties = Object.entries(record.properties)
      .map(([name, value]) => [name, plain(value, withStack)]);
    const line = JSON.stringify({ ...head, ...Object.fromEntries(properties), ...head });
    if (line.length <= 2 * MAX_LINE) return `${spelledOut(line)}\n`;
  } catch {
    // A value that is no JSON: the message has it as text.
  }
  return `${spelledOut(JSON.stringify(head))}\n`;
}

function roomOf({ category }: LogRecord): string {
  return category.slice(1).join(".") || "agent";
}

/** LogTape passes the message in parts: texts and values alternate. */
function messageOf({ message }: LogRecord): string {
  const text = message.map((piece, index) => index % 2 === 0 ? piece : shown(piece)).join("");
  return text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text;
}

function shown(value: unknown): string {
  if (value instanceof Error) {
    return value.cause instanceof Error
      ? `${value.message} (${value.cause.message})`
      : value.message;
  }
  return typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
}

/** A value for JSON: an error as an object, its stack on request. */
function plain(value: unknown, withStack: boolean): unknown {
  if (!(value instanceof Error)) return value;
  return {
    name: value.name,
    message: value.message,
    ...("code" in value ? { code: value.code } : {}),
    ...(value.cause === undefined ? {} : { cause: plain(value.cause, withStack) }),
    ...(withStack ? { stack: value.stack } : {}),
  };
}
