/**
 * JSON as people write it into a file: when it is not valid, the message says where and what is wrong there, and never
 * quotes a value, which may be a password.
 * @module
 */
import { type Json, jsonFlawAt } from "../core/mod.ts";

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
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    const at = jsonFlawAt(text);
    const { message, behind = 0 } = describeFlaw(
      text.slice(at),
      text.slice(0, at).trimEnd().at(-1),
    );
    throw new SyntaxError(`${placeOf(text, at + behind)}: ${message}`);
  }
  const repeated = repeatedKey(text);
  if (!repeated) return value;
  const { key, at, first } = repeated;
  throw new SyntaxError(
    `${placeOf(text, at)}: the key "${key}" is there for the second time (first: ` +
      `${placeOf(text, first)}). Delete one of the two`,
  );
}

function placeOf(text: string, at: number): string {
  const before = text.slice(0, at).split(/\r\n|\n|\r/);
  return `line ${before.length}, column ${before.at(-1)!.length + 1}`;
}

/** A key that an object of a valid text has twice: JSON takes the last one, and says nothing of the other. */
function repeatedKey(text: string): { key: string; at: number; first: number } | undefined {
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g;
  /** Where the keys stand of each object, and list, that we are in. */
  const open: Map<string, number>[] = [];
  for (const { 0: found, 1: colon, index: at } of text.matchAll(token)) {
    if (found === "{" || found === "[") open.push(new Map());
    else if (found === "}" || found === "]") open.pop();
    else if (colon !== undefined) {
      const key: string = JSON.parse(found.slice(0, -colon.length));
      const first = open.at(-1)?.get(key);
      if (first !== undefined) return { key, at, first };
      open.at(-1)?.set(key, at);
    }
  }
  return undefined;
}

/** What is wrong where JSON ends and `rest` begins, and how far `behind` that place it shows. */
function describeFlaw(
  rest: string,
  previous: string | undefined,
): { message: string; behind?: number } {
  if (rest === "") return { message: "the text ends too early" };
  if (/^(\/\/|\/\*|#)/.test(rest)) return { message: "JSON has no comments. Delete this one" };
  if (/^['‘’“”]/.test(rest)) return { message: 'text is written in straight double quotes (")' };
  const wrongText = rest[0] === '"' && flawOfText(rest);
  if (wrongText) return wrongText;
  if (/^[\]}]/.test(rest) && previous === ",") {
    return { message: `there is a comma too many before "${rest[0]}"` };
  }
  switch (previous) {
    case undefined:
    case ":":
    case "[":
      return { message: 'expected a value: "text", a number, true, false, null, [ or {' };
    case "{":
      return { message: 'expected a "key" or "}"' };
    case ",":
      return { message: 'expected a value, or a "key" in double quotes' };
    case '"':
      return { message: 'expected ":" after a key; "," or the closing bracket after a value' };
    default:
      return { message: 'expected "," or the closing bracket' };
  }
}

/** What is wrong inside a text that begins with its quote; nothing when it is well-formed. */
function flawOfText(rest: string): { message: string; behind: number } | undefined {
  for (let at = 1; at < rest.length; at++) {
    const char = rest[at]!;
    if (char === '"') return undefined;
    if (char === "\t") return { message: "a tab in text is written \\t", behind: at };
    if (char < " ") return { message: 'the text is not closed with "', behind: at };
    if (char !== "\\") continue;
    const escape = /^\\(["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(rest.slice(at, at + 6));
    if (!escape) {
      return { message: "a backslash in text is written twice: \\\\", behind: at };
    }
    at += escape[0].length - 1;
  }
  return { message: 'the text is not closed with "', behind: 0 };
}
