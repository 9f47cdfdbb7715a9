/** Text for a terminal: colours, durations, sizes, columns. @module */
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

/** Colours text for an `Output`, where it has colours. */
export function painter(output: { color: boolean }): Painter {
  return (color, text) => {
    const [on, off] = CODES[color];
    return output.color ? `${MARK}${on};${text}${MARK}${off};` : text;
  };
}

/** Control characters (C0, C1) and bidirectional marks. */
const STEERING = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/gu;

/** Foreign text for one line: control characters, line ends included, become a space. */
export function harmless(text: string): string {
  return text.replaceAll(STEERING, " ");
}

/** Lines with control characters spelled out (`\u001b`), which in JSON means the same. */
export function spelledOut(lines: string): string {
  return lines.replaceAll(
    // deno-lint-ignore no-control-regex -- control characters are what it is about
    /(?!\r\n)[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Lines for a terminal: only the colours of `painter` become control sequences. */
export function terminalText(lines: string): string {
  return spelledOut(lines).replaceAll(COLOR, "\x1b[$1m");
}

/** `45 s`, `3 min`, `1 h 05 min`, `2 d 3 h` */
export function durationOf(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : durationOfMinutes(seconds / 60);
}

/** The same of minutes, whose parts of a minute are left out. */
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

/** Rows with aligned columns; the last is not padded. A cell may have foreign text. */
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

/** The width of a text: its characters without the colours. */
function visible(text: string): number {
  return [...text.replaceAll(COLOR, "")].length;
}
