/**
 * `logs/conflicts.log`: conflicts as lines of JSON, for people who look there. A file that is large is put aside as
 * `conflicts.log.1`, what was there before as `.2`, and so on to `.5`. The table has them whatever becomes of the
 * files.
 * @module
 */
import { dirname } from "node:path";
import { logger, LogThrottle } from "../../core/mod.ts";

/** With the file that is being written: six, as of the log beside it. */
const OLD_FILES = 5;
const MAX_BYTES = 2_000_000;
/** What is written at once. */
const PIECE = 64 * 1024;
const LF = 0x0a;

/**
 * @param path the file, made with its folder at the first line
 * @returns appends a line. Those of one commit are written together, at once and in place: their commit took the
 *   disk longer, and nothing waits in memory when the agent ends
 */
export function conflictLog(
  path: string,
  { maxBytes = MAX_BYTES }: { maxBytes?: number } = {},
): (line: string) => void {
  const logThrottle = new LogThrottle();
  let waiting: string[] = [];
  let whole = false;

  function append(): void {
    const lines = waiting;
    waiting = [];
    try {
      Deno.mkdirSync(dirname(path), { recursive: true });
      for (const piece of pieces(lines)) {
        const bytes = new TextEncoder().encode(piece);
        const size = sizeOf(path);
        if (size > 0 && size + bytes.length > maxBytes) putAside(path);
        else if (!whole && size > 0) endLine(path);
        whole = true;
        Deno.writeFileSync(path, bytes, { append: true });
      }
    } catch (error) {
      logThrottle.log("failed", (more) => {
        logger("records").warn("Cannot write to {path}: {error}{more}", { path, error, more });
      });
    }
  }

  return (line) => {
    waiting.push(line);
    if (waiting.length === 1) queueMicrotask(append);
  };
}

/** The lines, as many at once as fit. */
function* pieces(lines: readonly string[]): Generator<string> {
  let piece = "";
  for (const line of lines) {
    if (piece !== "" && piece.length + line.length > PIECE) {
      yield piece;
      piece = "";
    }
    piece += `${line}\n`;
  }
  yield piece;
}

/** A kill in between leaves a number without a file, which nobody misses. */
function putAside(path: string): void {
  for (let number = OLD_FILES; number > 0; number--) {
    try {
      Deno.renameSync(number === 1 ? path : `${path}.${number - 1}`, `${path}.${number}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** Ends a line that a crash has cut off: the next one is not to be lost with it. */
function endLine(path: string): void {
  using file = Deno.openSync(path, { read: true, append: true });
  file.seekSync(-1, Deno.SeekMode.End);
  const last = new Uint8Array(1);
  file.readSync(last);
  if (last[0] !== LF) file.writeSync(new Uint8Array([LF]));
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
