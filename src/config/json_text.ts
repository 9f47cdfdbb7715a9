/**
 * JSON as people write it into a file, with comments and trailing commas: when it is not valid, the message names the place
 * and what is wrong there, and never quotes a value, which may be a password.
 * @module
 */
import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import type { Json } from "../core/mod.ts";

/**
 * The text of a file that some editor saved.
 * @throws {SyntaxError} when it is not UTF-8; the message explains how to save it
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

/** The value of the text. @throws {SyntaxError} `line 3, column 5: expected ","` */
export function parseConfigText(text: string): Json {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error || !tree) {
    const { offset } = error ?? { offset: text.length };
    throw new SyntaxError(`${placeOf(text, offset)}: ${describe(text, error)}`);
  }
  const repeated = repeatedKey(tree);
  if (repeated) {
    const { key, at, first } = repeated;
    throw new SyntaxError(
      `${placeOf(text, at)}: the key "${key}" is there for the second time (first: ` +
        `${placeOf(text, first)}). Delete one of the two`,
    );
  }
  return getNodeValue(tree);
}

/** The line of a value in the text, by its keys; of the nearest value around it where it is missing. */
export function lineOf(text: string, keys: readonly string[]): number | undefined {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  for (let length = keys.length; tree && length > 0; length--) {
    const node = findNodeAtLocation(
      tree,
      keys.slice(0, length).map((key) => /^\d+$/.test(key) ? Number(key) : key),
    );
    // The line of the key, where the value begins on another.
    if (node) {
      return linesBefore(text, node.parent?.type === "property" ? node.parent.offset : node.offset)
        .length;
    }
  }
  return undefined;
}

function placeOf(text: string, at: number): string {
  const before = linesBefore(text, at);
  return `line ${before.length}, column ${before.at(-1)!.length + 1}`;
}

function linesBefore(text: string, at: number): string[] {
  return text.slice(0, at).split(/\r\n|\n|\r/);
}

/** A key that an object has twice: JSON takes the last one and silently drops the other. */
function repeatedKey(node: Node): { key: string; at: number; first: number } | undefined {
  const places = new Map<string, number>();
  for (const child of node.children ?? []) {
    if (node.type === "object") {
      const { value: key, offset: at } = child.children![0]!;
      const first = places.get(key);
      if (first !== undefined) return { key, at, first };
      places.set(key, at);
    }
    const inner = repeatedKey(child);
    if (inner) return inner;
  }
  return undefined;
}

const EXPECTED_VALUE = 'expected a value: "text", a number, true, false, null, [ or {';

/** By the parser's name of what it found. */
const WORDS: Readonly<Record<string, string>> = {
  InvalidSymbol: 'expected a "key" or "text" in double quotes, a number, true, false or null',
  InvalidNumberFormat: EXPECTED_VALUE,
  UnexpectedEndOfNumber: EXPECTED_VALUE,
  ValueExpected: EXPECTED_VALUE,
  PropertyNameExpected: 'expected a "key" in double quotes, or "}"',
  ColonExpected: 'expected ":" after a key',
  CommaExpected: 'expected "," or the closing bracket',
  CloseBraceExpected: 'expected "}"',
  CloseBracketExpected: 'expected "]"',
  EndOfFileExpected: "expected nothing more",
  UnexpectedEndOfComment: "the comment is not closed with */",
  UnexpectedEndOfString: 'the text is not closed with "',
  InvalidUnicode: "\\u in a text is followed by four hexadecimal digits",
  InvalidEscapeCharacter: "a backslash in a text is written twice: \\\\",
  InvalidCharacter: "a tab in a text is written \\t",
};

function describe(text: string, error: ParseError | undefined): string {
  const { offset } = error ?? { offset: text.length };
  if (text.slice(offset).trim() === "") return "the text ends too early";
  if (/['‘’“”]/.test(text[offset]!)) return 'text is written in straight double quotes (")';
  if (text[offset] === "#") return "a comment begins with //";
  const known = error && WORDS[printParseErrorCode(error.error)];
  return known ?? "this is not JSON";
}
