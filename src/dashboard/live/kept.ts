/**
 * What the page last showed, kept in this browser for when the agent is away: one answer under each name, so that it
 * stays small. Only where a service worker can open the page then, which is never over plain HTTP from elsewhere.
 * @module
 */
import { keep, kept } from "./storage.ts";

export interface Kept<T> {
  readonly atMs: number;
  readonly value: T;
}

const PREFIX = "clockblock.kept.";
/** Characters of an answer; a longer one is not kept. */
const MAX_LENGTH = 256 * 1024;
/** Answers come by the second: how often they are written. */
const WRITE_MS = 2_000;

const waiting = new Map<string, Kept<unknown>>();
let writing: ReturnType<typeof setTimeout> | undefined;

let keeping = "serviceWorker" in globalThis.navigator;

/** For a page of many machines: one must not be shown what another was. */
export function keepNothing(): void {
  keeping = false;
}

export function keepAnswer(name: string, value: unknown): void {
  if (!keeping) return;
  waiting.set(name, { atMs: Date.now(), value });
  writing ??= setTimeout(write, WRITE_MS);
}

export function keptAnswer<T>(name: string): Kept<T> | undefined {
  try {
    return JSON.parse(kept(PREFIX + name));
  } catch {
    // Nothing was kept, or not by us.
    return undefined;
  }
}

/** Forgets everything that begins with `clockblock.` but the reader's choices. */
export function forgetKept(): void {
  waiting.clear();
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  }
}

function write(): void {
  writing = undefined;
  for (const [name, answer] of waiting) {
    const text = JSON.stringify(answer);
    if (text.length <= MAX_LENGTH) keep(PREFIX + name, text);
  }
  waiting.clear();
}

// A page that is closed runs no timer.
addEventListener("pagehide", write);
addEventListener("visibilitychange", write);
