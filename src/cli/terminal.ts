/** Words for people: colours, durations, sizes, and columns that line up. @module */
import { type Instant, msOf } from "../core/mod.ts";

export type Color = "red" | "green" | "yellow" | "blue" | "dim" | "bold";

const CODES: Readonly<Record<Color, [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  dim: [2, 22],
  bold: [1, 22],
};

export type Painter = (color: Color, text: string) => string;

/** Marks a colour of our own, `<mark>31;`. Foreign text that contains it can set a colour, nothing else. */
const MARK = "\ufdd0";
const COLOR = new RegExp(
  `${MARK}(${[...new Set(Object.values(CODES).flat())].join("|")});`,
  "g",
);

/** Colours text where there is colour, for an `Output` to write. */
export function painter(output: { color: boolean }): Painter {
  return (color, text) => {
    const [on, off] = CODES[color];
    return output.color ? `${MARK}${on};${text}${MARK}${off};` : text;
  };
}

/** What would steer the terminal (C0, C1) or turn text around (bidirectional marks). */
const STEERING = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/gu;

/** Text that somebody else wrote, fit for a place within a line: what steers, line ends too, becomes a space. */
export function harmless(text: string): string {
  return text.replaceAll(STEERING, " ");
}

/** Whole lines on which what would steer a terminal is spelled out (`\u001b`), which in JSON means the same. */
export function spelledOut(lines: string): string {
  return lines.replaceAll(
    // deno-lint-ignore no-control-regex -- control characters are what it is about
    /(?!\r\n)[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Lines as a terminal has them: the colours of `painter` become such, and nothing else steers it. */
export function terminalText(lines: string): string {
  return spelledOut(lines).replaceAll(COLOR, "\x1b[$1m");
}

/** `45 s`, `3 min`, `1 h 05 min`, `2 d 3 h` */
export function durationOf(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : durationOfMinutes(seconds / 60);
}

/** Minutes as people say them: `45 s`, `59 min`, `1 h 05 min`, `2 d 3 h`. */
export function durationOfMinutes(minutes: number): string {
  if (minutes < 1) return `${Math.floor(minutes * 60 + 1e-6)} s`;
  const whole = Math.floor(minutes);
  if (whole < 60) return `${whole} min`;
  const hours = Math.floor(whole / 60);
  if (hours < 24) return `${hours} h ${String(whole % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `3 min ago` */
export function ago(instant: Instant, nowMs: number): string {
  return `${durationOf(Math.max(0, nowMs - msOf(instant)))} ago`;
}

/** `1 234 567` */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** `512 B`, `3.4 MB` */
export function sizeText(size: number): string {
  if (size < 1_000) return `${size} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = size / 1_000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** Rows whose columns line up; the last column is not padded. A cell may hold what others wrote. */
export function columns(cells: readonly (readonly string[])[], { indent = "" } = {}): string {
  const rows = cells.map((row) => row.map(harmless));
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, visible(cell));
    });
  }
  return rows.map((row) => {
    const cells = row.map((cell, index) =>
      index === row.length - 1 ? cell : cell + " ".repeat(widths[index]! - visible(cell))
    );
    return `${indent}${cells.join("  ")}`.trimEnd() + "\n";
  }).join("");
}

/** How many columns a text takes: its characters without the colours. */
function visible(text: string): number {
  return [...text.replaceAll(COLOR, "")].length;
}
