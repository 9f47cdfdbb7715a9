/**
 * Asks a device for punches it may have failed to send: some units push only the first of the day, some stall
 * on a bad Wi-Fi. The protocol has no request ids, so that one command is outstanding at a time. Only
 * `getalllog` is used: it can be repeated, while `getnewlog` moves the device's own read pointer.
 * @module
 */
import type { Clock } from "../../../../core/mod.ts";
import type { Fields } from "./decode.ts";

/** Days to ask for, both included: `YYYY-MM-DD`. */
export interface PullWindow {
  from: string;
  to: string;
  /** Called when the device has given all it has of them, as far as it can. */
  done?: () => void;
}

export interface PullPage {
  records: number;
  /** How many there are over all pages. */
  count: number | null;
  /** Number of the page's first and last record, from 0. */
  from: number | null;
  to: number | null;
  /** The device could do what it was asked. */
  result: boolean;
}

const ANSWER_MS = 20_000;
/** 50 records a page and 100 000 in the largest device. */
const MAX_PAGES = 4_000;
const MAX_WINDOWS = 8;

export class Puller {
  readonly #send: (command: Fields) => void;
  readonly #clock: Clock;
  readonly #windows: PullWindow[] = [];
  #waitingSince: number | undefined;
  #pages = 0;
  #lastFrom: number | null = null;

  constructor(send: (command: Fields) => void, { clock }: { clock: Clock }) {
    this.#send = send;
    this.#clock = clock;
  }

  /** Has these days asked for at the next `sweep`, or after what is being asked for. */
  ask(window: PullWindow): void {
    const known = this.#windows.some(({ from, to, done }) =>
      from <= window.from && to >= window.to && (done || !window.done)
    );
    if (!known && this.#windows.length < MAX_WINDOWS) this.#windows.push(window);
  }

  /** A page has come and is stored (or not: then the rest is left for another time). */
  answered(page: PullPage, { stored }: { stored: boolean }): void {
    // The answer to a request that timed out: its records are stored.
    if (this.#waitingSince === undefined) return;
    this.#pages++;
    const { records, count, from, to, result } = page;
    const complete = count !== null && to !== null && to + 1 >= count;
    const stuck = from !== null && from === this.#lastFrom;
    this.#lastFrom = from;
    const goesOn = stored && result && records > 0 && !complete && !stuck;
    if (!goesOn || this.#pages >= MAX_PAGES) {
      if (stored) this.#windows[0]?.done?.();
      return this.#next();
    }
    this.#waitingSince = this.#clock.monotonic();
    this.#send({ cmd: "getalllog", stn: false });
  }

  get busy(): boolean {
    return this.#waitingSince !== undefined;
  }

  /** Asks what waits to be asked, and gives up on what stays without answer; called every second. */
  sweep(): void {
    if (this.#waitingSince === undefined) {
      if (this.#windows.length > 0) this.#begin();
    } else if (this.#clock.monotonic() - this.#waitingSince > ANSWER_MS) {
      this.#next();
    }
  }

  #begin(): void {
    const { from, to } = this.#windows[0]!;
    this.#pages = 0;
    this.#lastFrom = null;
    this.#waitingSince = this.#clock.monotonic();
    this.#send({ cmd: "getalllog", stn: true, from, to });
  }

  #next(): void {
    this.#windows.shift();
    this.#waitingSince = undefined;
    if (this.#windows.length > 0) this.#begin();
  }
}
