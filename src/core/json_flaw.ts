/**
 * Where a text stops being JSON. `JSON.parse` says so only for some flaws, and by quoting what it was given.
 * @module
 */

const SPACE = /[ \t\n\r]*/y;
/** Any character from the space up, but for the quote and the backslash. */
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** What may come next. */
type Expected = "value" | "key" | "colon" | "more";

/** The position of the first token that JSON does not allow there; the text's length when it ends too early. */
export function jsonFlawAt(text: string): number {
  /** What ends the objects and lists we are in. */
  const ends: string[] = [];
  let expected: Expected = "value";
  /** Whether a list or object has just begun, and so may end. */
  let begun = false;
  let at = 0;
  const take = (token: RegExp): boolean => {
    token.lastIndex = at;
    if (!token.test(text)) return false;
    at = token.lastIndex;
    return true;
  };
  for (;;) {
    take(SPACE);
    const next = text[at];
    if (next === undefined) return at;
    if ((expected === "more" || begun) && next === ends.at(-1)) {
      at++;
      ends.pop();
      expected = "more";
      begun = false;
    } else if (expected === "more") {
      if (next !== "," || ends.length === 0) return at;
      at++;
      expected = ends.at(-1) === "}" ? "key" : "value";
    } else if (expected === "colon") {
      if (next !== ":") return at;
      at++;
      expected = "value";
    } else if (expected === "key") {
      if (!take(STRING)) return at;
      expected = "colon";
      begun = false;
    } else if (next === "{" || next === "[") {
      at++;
      ends.push(next === "{" ? "}" : "]");
      expected = next === "{" ? "key" : "value";
      begun = true;
    } else {
      if (!take(next === '"' ? STRING : SCALAR)) return at;
      expected = "more";
      begun = false;
    }
  }
}
