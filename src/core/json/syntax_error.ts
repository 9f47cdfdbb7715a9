/** The position of the first JSON syntax error; `JSON.parse` often does not report it. @module */

const SPACE = /[ \t\n\r]*/y;
/** Characters from U+0020 up, except quote and backslash. */
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** The kind of token that must follow. */
type Expected = "value" | "key" | "colon" | "more";

/** Position of the first token that is not allowed there; the text's length when it ends too early. */
export function syntaxErrorAt(text: string): number {
  /** Closing brackets of the enclosing objects and lists. */
  const ends: string[] = [];
  let expected: Expected = "value";
  /** Whether a list or object has just been opened: it may close at once. */
  let opened = false;
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
    if ((expected === "more" || opened) && next === ends.at(-1)) {
      at++;
      ends.pop();
      expected = "more";
      opened = false;
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
      opened = false;
    } else if (next === "{" || next === "[") {
      at++;
      ends.push(next === "{" ? "}" : "]");
      expected = next === "{" ? "key" : "value";
      opened = true;
    } else {
      if (!take(next === '"' ? STRING : SCALAR)) return at;
      expected = "more";
      opened = false;
    }
  }
}
