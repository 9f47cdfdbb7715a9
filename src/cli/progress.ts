/**
 * Progress of a long command: a bar on a terminal, a line every 5 s elsewhere. Written here: an adapter for cli-progress,
 * which writes to Node's streams, would be longer.
 * @module
 */
import { type Clock, systemClock } from "../core/mod.ts";
import type { Output } from "./io.ts";
import { count, durationOf } from "./terminal.ts";

export interface ProgressOptions {
  /** What is counted: "rows". */
  unit: string;
  clock?: Clock;
}

const REDRAW_MS = 100;
const LINE_MS = 5_000;
const BAR_COLUMNS = 24;

export class Progress {
  readonly #output: Output;
  readonly #unit: string;
  readonly #clock: Clock;
  readonly #started: number;
  #shown = -Infinity;
  #done = 0;
  #total = 0;

  constructor(output: Output, { unit, clock = systemClock }: ProgressOptions) {
    this.#output = output;
    this.#unit = unit;
    this.#clock = clock;
    this.#started = clock.monotonic();
  }

  /** Sets progress: done of total; both may grow. */
  update(done: number, total: number): void {
    this.#done = done;
    this.#total = Math.max(total, done);
    const now = this.#clock.monotonic();
    if (now - this.#shown < (this.#output.terminal ? REDRAW_MS : LINE_MS)) return;
    this.#shown = now;
    this.#show();
  }

  end(): void {
    this.#show();
    if (this.#output.terminal) this.#output.write("\n");
  }

  #show(): void {
    const line = this.#line();
    // A line that wraps cannot be redrawn.
    this.#output.raw(
      this.#output.terminal ? `\r${line.slice(0, this.#output.width() - 1)}\x1b[K` : `${line}\n`,
    );
  }

  #line(): string {
    const part = this.#total === 0 ? 1 : this.#done / this.#total;
    const seconds = (this.#clock.monotonic() - this.#started) / 1000;
    const rate = seconds > 0 ? this.#done / seconds : 0;
    const left = this.#total - this.#done;
    const facts = [
      `${count(this.#done)} of ${count(this.#total)} ${this.#unit}`,
      rate > 0 ? `${count(rate)}/s` : "",
      left > 0 && rate > 0 ? `${durationOf(left / rate * 1000)} left` : "",
    ].filter((fact) => fact !== "").join(", ");
    const percent = `${String(Math.floor(part * 100)).padStart(3)} %`;
    if (!this.#output.terminal) return `${percent.trim()}, ${facts}`;
    const filled = Math.round(part * BAR_COLUMNS);
    return `${"█".repeat(filled)}${"░".repeat(BAR_COLUMNS - filled)} ${percent}  ${facts}`;
  }
}
