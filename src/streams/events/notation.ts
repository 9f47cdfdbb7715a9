/** Converts the usual notations of times and severities to ours. @module */
import { type Instant, instantOf, isDay } from "../../core/mod.ts";

export const SEVERITIES = ["debug", "info", "success", "warning", "error", "critical"] as const;

const OURS: ReadonlySet<unknown> = new Set(SEVERITIES);

export function isSeverity(value: unknown): boolean {
  return OURS.has(value);
}

/** Log levels of Python, JavaScript, Java and syslog. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  trace: "debug",
  verbose: "debug",
  fine: "debug",
  information: "info",
  informational: "info",
  notice: "info",
  log: "info",
  ok: "success",
  warn: "warning",
  err: "error",
  severe: "error",
  fatal: "critical",
  crit: "critical",
  alert: "critical",
  emerg: "critical",
  emergency: "critical",
  panic: "critical",
};
const BY_NAME: ReadonlyMap<string, string> = new Map([
  ...SEVERITIES.map((severity) => [severity, severity] as const),
  ...Object.entries(OTHER_NAMES),
]);

/** The names that {@link severityOf} knows, in lower case. */
export const SEVERITY_NAMES: readonly string[] = [...BY_NAME.keys()];

/** The severity of a name in any case (`WARN`: `warning`); undefined for one that is not known. */
export function severityOf(name: string): string | undefined {
  return BY_NAME.get(name.toLowerCase());
}

const TIME =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(?:[Zz]|([+-]\d{2}):?(\d{2}))?$/;

/**
 * The instant of a text, to the millisecond: `2026-03-02T12:00:00Z`, `2026-03-02 12:00:00.123456+01:00`. Without a zone it
 * is UTC, as in Python's `utcnow().isoformat()` and SQLite's `datetime('now')`. Undefined for a text that is no time.
 */
export function instantOfText(text: string): Instant | undefined {
  const [, day = "", time, hours, minutes] = TIME.exec(text) ?? [];
  // `Date.parse` takes the 30th of February for the 2nd of March.
  if (!isDay(day)) return undefined;
  const ms = Date.parse(`${day}T${time}${hours === undefined ? "Z" : `${hours}:${minutes}`}`);
  return Number.isNaN(ms) ? undefined : instantOf(ms);
}
