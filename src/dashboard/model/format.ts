/** Numbers, dates and times as the reader writes them, in sentences that are English for everyone. @module */

/** `1 hr 12 mins`; whole minutes, and whole seconds below one minute. */
export function duration(minutes: number): string {
  if (minutes < 1) return counted(Math.floor(minutes * 60 + 1e-6), "sec");
  const whole = Math.floor(minutes + 1e-6);
  const hours = Math.floor(whole / 60);
  const rest = whole % 60;
  if (hours === 0) return counted(rest, "min");
  return rest === 0 ? counted(hours, "hr") : `${counted(hours, "hr")} ${counted(rest, "min")}`;
}

/** What a day allows: `1 hr`, `no limit`, `no play`. */
export function allowanceText(minutes: number | null): string {
  if (minutes === null) return "no limit";
  return minutes === 0 ? "no play" : duration(minutes);
}

/** People and machines by name. */
export const NAMES = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

const numbers = new Intl.NumberFormat();

export function number(value: number): string {
  return numbers.format(value);
}

/** `1 row`, `2 rows`. */
export function counted(value: number, name: string): string {
  return `${number(value)} ${name}${value === 1 ? "" : "s"}`;
}

export function bytes(value: number): string {
  const [amount, name] = value < 1e6 ? [value / 1e3, "kB"] : [value / 1e6, "MB"];
  return `${number(Math.max(1, Math.round(amount)))} ${name}`;
}

type Zone = string | undefined;

const DAY_MS = 86_400_000;
/** A date that is further away than this needs its year. */
const LONG_AGO_DAYS = 300;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(ms: number, options: Intl.DateTimeFormatOptions): string {
  const key = JSON.stringify(options);
  let made = formats.get(key);
  if (!made) formats.set(key, made = new Intl.DateTimeFormat(undefined, options));
  return Number.isNaN(ms) ? "" : made.format(ms);
}

/** `14:02` */
export function clock(ms: number, timeZone: Zone): string {
  return format(ms, { hour: "2-digit", minute: "2-digit", timeZone });
}

/** `14:02:09` today; on another day `2 Mar, 14:02`; far from it `2 Mar 2099, 14:02`. */
export function stamp(
  ms: number,
  timeZone: Zone,
  todayMs: number,
  unit: "second" | "minute" = "second",
): string {
  const days = Math.floor((ms - todayMs) / DAY_MS);
  if (days === 0 && unit === "minute") return clock(ms, timeZone);
  const rest: Intl.DateTimeFormatOptions = days === 0 ? { second: "2-digit" } : {
    day: "numeric",
    month: "short",
    ...(Math.abs(days) > LONG_AGO_DAYS && { year: "numeric" }),
  };
  return format(ms, { hour: "2-digit", minute: "2-digit", ...rest, timeZone });
}

/** Date and time. */
export function fullTime(ms: number, timeZone: Zone): string {
  return format(ms, { dateStyle: "medium", timeStyle: "short", timeZone });
}

/** `Mon, 2 Mar` of a calendar day. */
export function dayName(day: string): string {
  return calendar(day, { weekday: "short", day: "numeric", month: "short" });
}

/** `2 Mar` */
export function shortDay(day: string): string {
  return calendar(day, { day: "numeric", month: "short" });
}

/** `Monday, 2 March` */
export function longDay(day: string): string {
  return calendar(day, { weekday: "long", day: "numeric", month: "long" });
}

/** `March 2026` of `2026-03`. */
export function monthName(month: string): string {
  return calendar(month, { month: "long", year: "numeric" });
}

/** Of a day or a month, whose first moment in UTC `Date.parse` gives. */
function calendar(date: string, options: Intl.DateTimeFormatOptions): string {
  return format(Date.parse(date), { ...options, timeZone: "UTC" });
}

/** Names of weekdays, Monday first. */
export function weekdayNames(): string[] {
  // 5 January 1970 was a Monday.
  return Array.from(
    { length: 7 },
    (_, index) => format((4 + index) * DAY_MS, { weekday: "short", timeZone: "UTC" }),
  );
}

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** `5 seconds ago`, `in 2 minutes`, `now`. */
export function relative(ms: number, nowMs: number): string {
  const seconds = Math.round((ms - nowMs) / 1_000);
  const [name, size] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return ago.format(Math.trunc(seconds / size), name);
}
