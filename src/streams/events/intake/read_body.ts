/**
 * Reading the body of `POST /local/events`: one event, a list, or a line each (NDJSON). Everything that is
 * wrong with it is found before anything is stored, in slices that leave the event loop to others.
 * @module
 */
import {
  type FieldError,
  parseJson,
  parseLossless,
  Problem,
  syntaxErrorAt,
} from "../../../core/mod.ts";
import type { NewEvent } from "../event.ts";
import type { ReadEvent } from "./read_event.ts";

/** An event that is not stored, and why. */
export interface BadEvent {
  /** Its place among the events of the request, from 0. */
  index: number;
  /** Its line, from 1, where each line is an event. */
  line?: number;
  errors: readonly FieldError[];
}

export interface ReadBodyOptions {
  /** Whether each line is an event of its own. */
  lines: boolean;
  read: ReadEvent;
}

/** The most events in a request: as many as one commit takes without holding the event loop for long. */
export const MAX_EVENTS = 1_000;
/** The largest body in bytes. */
export const MAX_BODY_BYTES = 1 << 20;
const SLICE_MS = 4;

/**
 * The events of a body, and what is wrong with the others.
 * @throws {Problem} 400 when the body is not JSON, 413 when it has too many events
 */
export async function readBody(
  text: string,
  { lines, read }: ReadBodyOptions,
): Promise<{ events: readonly NewEvent[]; bad: readonly BadEvent[] }> {
  const numbered = lines ? linesOf(text) : undefined;
  const entries = numbered?.map(({ text }) => text) ?? listOf(parseJson(text, "body"));
  if (entries.length > MAX_EVENTS) throw tooMany();
  const readEntry = numbered ? (line: unknown) => readLine(String(line), read) : read;

  const events: NewEvent[] = [];
  const bad: BadEvent[] = [];
  let sliceEnd = performance.now() + SLICE_MS;
  for (const [index, entry] of entries.entries()) {
    const result = readEntry(entry);
    if ("event" in result) events.push(result.event);
    else {
      const line = numbered?.[index]?.line;
      bad.push({ index, ...(line === undefined ? {} : { line }), errors: result.errors });
    }
    // Asking for the time costs as much as checking a short event.
    if (index % 16 === 15 && performance.now() > sliceEnd) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      sliceEnd = performance.now() + SLICE_MS;
    }
  }
  return { events, bad };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** The lines that are not blank, with their numbers. */
function linesOf(text: string): { text: string; line: number }[] {
  const lines: { text: string; line: number }[] = [];
  for (let from = 0, line = 1; from < text.length; line++) {
    const end = text.indexOf("\n", from);
    const upTo = end < 0 ? text.length : end;
    const content = text.slice(from, upTo).trim();
    if (content !== "") lines.push({ text: content, line });
    if (lines.length > MAX_EVENTS) throw tooMany();
    from = upTo + 1;
  }
  return lines;
}

function readLine(text: string, read: ReadEvent): ReturnType<ReadEvent> {
  let value: unknown;
  try {
    value = parseLossless(text);
  } catch {
    return { errors: [{ field: "", message: `not JSON at column ${syntaxErrorAt(text) + 1}` }] };
  }
  return read(value);
}

function tooMany(): Problem {
  return new Problem(413, "Too many events", {
    detail: `expected at most ${MAX_EVENTS} events in a request. Nothing was stored: ` +
      "send them in several requests.",
    extra: { limit: MAX_EVENTS },
  });
}
