/**
 * Flags and arguments. Every key of the configuration is a flag of every command: `takeConfigFlags` removes those from
 * the arguments, and stricli parses the flags of the command.
 * @module
 */
import { type ConfigKey, configKeys, nearest } from "../config/mod.ts";
import { type Day, isDay } from "../core/mod.ts";
import { UsageError } from "./exit.ts";

export interface CommandLine {
  /** Arguments without the configuration's flags. */
  args: string[];
  /** `--config`. */
  configPath: string | undefined;
  /** Values as typed, by key. */
  config: Map<string, string>;
}

const byFlag = new Map(configKeys.map((key) => [key.flag, key]));

/**
 * Takes `--db-path x`, `--db-path=x`, `--events.flush.active-sec 5` and `--config file` out of the arguments.
 * @throws {UsageError} for a flag without its value
 */
export function takeConfigFlags(args: readonly string[]): CommandLine {
  const line: CommandLine = { args: [], configPath: undefined, config: new Map() };
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!;
    if (arg === "--") {
      line.args.push(...args.slice(index));
      break;
    }
    const equals = arg.indexOf("=");
    const flag = equals < 0 ? arg : arg.slice(0, equals);
    const key = byFlag.get(flag);
    if (!key && flag !== "--config") {
      line.args.push(arg);
      continue;
    }
    const given = equals < 0 ? valueAfter(args[index + 1], key) : arg.slice(equals + 1);
    if (given === undefined) throw new UsageError(`Cannot use ${flag}: it needs a value`);
    if (equals < 0 && given !== IMPLIED) index++;
    const value = given === IMPLIED ? "true" : given;
    if (key) line.config.set(key.path, value);
    else line.configPath = value;
  }
  return line;
}

/** A boolean flag without a value means true. */
const IMPLIED = Symbol("implied");

function valueAfter(
  next: string | undefined,
  key: ConfigKey | undefined,
): string | typeof IMPLIED | undefined {
  if (key?.kinds.has("boolean") && next !== "true" && next !== "false") return IMPLIED;
  return next?.startsWith("--") ? undefined : next;
}

/** The known flag that is most like an unknown one. */
export function nearestFlag(flag: string, own: readonly string[]): string | undefined {
  const all = [...own, "--config", "--help", "--version", ...byFlag.keys()];
  const near = nearest(flag, all);
  if (near) return near;
  // `--active-sec`: the last part of a nested flag, by itself.
  return all.find((candidate) => candidate.endsWith(`.${flag.replace(/^--/, "")}`));
}

/** The flags of the configuration, for `--help`. */
export function describeConfigFlags(): string {
  const rows = [
    { flag: "--config", text: "the file to read (default: config.json in the current folder)" },
    ...configKeys.map(({ flag, description, defaultValue, nullable }) => ({
      flag,
      text: nullable || typeof defaultValue === "object" || defaultValue === undefined
        ? description
        : `${description} (${defaultValue})`,
    })),
  ];
  const width = Math.max(...rows.map(({ flag }) => flag.length));
  return [
    "CONFIGURATION",
    "  Each key of config.json is a flag as well, and an environment variable: --api-port is",
    "  CLOCKBLOCK_API_PORT, --supabase.url is CLOCKBLOCK_SUPABASE__URL. Flags win, then variables.",
    "",
    ...rows.map(({ flag, text }) => `  ${flag.padEnd(width)}  ${text}`),
    "",
  ].join("\n");
}

/** A flag that is given or not. */
export function switchFlag<Brief extends string>(
  brief: Brief,
): { kind: "boolean"; brief: Brief; default: false; withNegated: false } {
  return { kind: "boolean", brief, default: false, withNegated: false };
}

export interface OptionalFlag<T> {
  kind: "parsed";
  parse: (text: string) => T;
  brief: string;
  placeholder?: string;
  optional: true;
}

/** A flag with a value that may be left out. */
export function textFlag(brief: string, placeholder?: string): OptionalFlag<string> {
  return parsedFlag(String, brief, placeholder);
}

/** The same, whose text `parse` reads. */
export function parsedFlag<T>(
  parse: (text: string) => T,
  brief: string,
  placeholder?: string,
): OptionalFlag<T> {
  const shown = placeholder === undefined ? {} : { placeholder };
  return { kind: "parsed", parse, brief, ...shown, optional: true };
}

/** A day of the calendar. */
export function dayFlag(brief: string): OptionalFlag<Day> {
  return parsedFlag(day, brief, "day");
}

/** @throws {UsageError} for a text that is no day */
export function day(text: string): Day {
  if (!isDay(text)) throw new UsageError(`"${text}" is not a day, expected YYYY-MM-DD`);
  return text;
}

/** @throws {UsageError} when an export would begin after its end */
export function checkDays({ from, to }: { from?: Day; to?: Day }): void {
  if (from === undefined || to === undefined || from <= to) return;
  throw new UsageError(`Cannot export from ${from} to ${to}: the first day is after the last`);
}

/** An argument without a flag. */
export function argument(
  brief: string,
  placeholder: string,
): { parse: typeof String; brief: string; placeholder: string } {
  return { parse: String, brief, placeholder };
}

/** `--format` of commands that export rows. */
export const formatFlag = {
  kind: "enum",
  values: ["csv", "json"],
  brief: "How to print",
  default: "csv",
} as const;

/** `--json` of commands that show something. */
export const jsonFlag = switchFlag("Print JSON, for scripts");

/** `--stream` of commands about the sync. The agent knows which streams there are. */
export const streamFlag = textFlag(
  "Only this one: playtime, events, attendance or records",
  "stream",
);
