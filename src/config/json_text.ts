/**
 * JSON as people write it into a file: when it is not valid, the message says where and what is wrong there, and never
 * quotes the text, which may hold a password.
 * @module
 */
import type { Json } from "../core/mod.ts";

/**
 * The text of a file that some editor saved.
 * @throws {SyntaxError} when it is not UTF-8; says how to save it again
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw new SyntaxError(
      'it is saved as UTF-16. Save it again as UTF-8 (in Notepad: Save as, Encoding "UTF-8")',
    );
  }
  try {
    // Drops a byte order mark, which Notepad likes to put in front.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new SyntaxError(
      'it is not saved as UTF-8. Save it again as UTF-8 (in Notepad: Save as, Encoding "UTF-8")',
      { cause: error },
    );
  }
}

/**
 * What the text says.
 * @throws {SyntaxError} `line 3, column 5: expected "," or "}"`
 */
export function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    // The engine's message has a position for some mistakes only, and quotes the text: look again, slower.
    const { at, message } = firstFlaw(text);
    const before = text.slice(0, at).split(/\r\n|\n|\r/);
    throw new SyntaxError(`line ${before.length}, column ${before.at(-1)!.length + 1}: ${message}`);
  }
}

class Flaw extends Error {
  constructor(readonly at: number, message: string) {
    super(message);
  }
}

/** Where a text stops being JSON. */
function firstFlaw(text: string): { at: number; message: string } {
  try {
    const at = skipSpace(text, skipValue(text, skipSpace(text, 0), 0));
    return {
      at,
      message: /^[\]}]/.test(text.slice(at))
        ? `"${text[at]}" closes nothing`
        : "expected nothing after the end",
    };
  } catch (flaw) {
    if (flaw instanceof Flaw) return flaw;
    throw flaw;
  }
}

/** @returns the place behind the value that begins at `at` */
function skipValue(text: string, at: number, depth: number): number {
  if (depth > 200) throw new Flaw(at, "nested too deeply");
  const char = text[at];
  if (char === "{") return skipMembers(text, at, { close: "}", depth });
  if (char === "[") return skipMembers(text, at, { close: "]", depth });
  if (char === '"') return skipString(text, at);
  const word = /^[^\s,:{}[\]"]*/.exec(text.slice(at, at + 200))![0];
  if (/^(-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?|true|false|null)$/.test(word)) {
    return at + word.length;
  }
  if (char === undefined) throw new Flaw(at, "the text ends too early");
  if (char === "'" || char === "“" || char === "”") {
    throw new Flaw(at, 'text is written in straight double quotes (")');
  }
  throw new Flaw(at, 'expected a value: "text", a number, true, false, null, [ or {');
}

function skipMembers(
  text: string,
  start: number,
  { close, depth }: { close: "}" | "]"; depth: number },
): number {
  let at = skipSpace(text, start + 1);
  if (text[at] === close) return at + 1;
  for (;;) {
    if (close === "}") {
      if (text[at] !== '"') {
        throw new Flaw(at, at >= text.length ? "the text ends too early" : 'expected a "key"');
      }
      at = skipSpace(text, skipString(text, at));
      if (text[at] !== ":") throw new Flaw(at, 'expected ":" after the key');
      at = skipSpace(text, at + 1);
    }
    at = skipSpace(text, skipValue(text, at, depth + 1));
    if (text[at] === close) return at + 1;
    if (text[at] !== ",") throw new Flaw(at, `expected "," or "${close}"`);
    const comma = at;
    at = skipSpace(text, at + 1);
    if (text[at] === close) throw new Flaw(comma, `a comma too many before "${close}"`);
  }
}

function skipString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"') return at + 1;
    if (char < " ") {
      throw new Flaw(
        at,
        char === "\t" ? "a tab in text is written \\t" : 'the text is not closed with "',
      );
    }
    if (char !== "\\") continue;
    const escape = /^\\(["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(text.slice(at, at + 6));
    if (!escape) throw new Flaw(at, "a backslash in text is written twice: \\\\");
    at += escape[0].length - 1;
  }
  throw new Flaw(start, 'the text is not closed with "');
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (/[ \t\r\n]/.test(text[at] ?? "")) at++;
  if (text.startsWith("//", at) || text.startsWith("/*", at) || text[at] === "#") {
    throw new Flaw(at, "JSON has no comments. Delete this one");
  }
  return at;
}
