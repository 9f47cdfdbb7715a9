/** JSON whose numbers survive: one that JavaScript would round stays the text that it was. @module */

/** A literal that may be more than a number can hold: 16 digits, or an exponent. */
const LONG = /\d[\d.]{15}|\d[eE]/;

/** What the browsers have and TypeScript's library does not name yet; an older browser rounds. */
const json = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context?: { source?: string }) => unknown,
  ): unknown;
  rawJSON?(text: string): unknown;
};

/** @throws {SyntaxError} when the text is not JSON */
export function parseExactJson(text: string): unknown {
  if (!LONG.test(text)) return JSON.parse(text);
  return json.parse(
    text,
    (_key, value, context) =>
      typeof value === "number" && context?.source !== undefined
        ? exact(context.source, value)
        : value,
  );
}

/** The number, or what `JSON.stringify` writes as the literal. */
function exact(literal: string, value: number): unknown {
  return String(value) === literal ? value : json.rawJSON?.(literal) ?? value;
}

/** Whether a value is a number that is kept as text. */
export function isExactNumber(value: unknown): boolean {
  return typeof value === "object" && value !== null && "rawJSON" in value;
}
