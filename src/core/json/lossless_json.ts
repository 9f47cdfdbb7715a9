/**
 * JSON whose numbers survive: a literal that no JavaScript number can repeat (`12345678901234567890`, `1e999`) stays
 * the text that it was.
 * @module
 */

/** Texts without such a literal are parsed by the runtime alone: a reviver takes ten times as long. */
const MAY_BE_INEXACT = /[:[,\s]-?\d(?:[\d.]{15}|[\d.]*[eE])/;
/** A text that is a number and nothing else; as an alternative of the one above it would halve its speed. */
const BARE_NUMBER = /^-?\d/;
/** Any literal of at most 15 digits is repeated exactly (IEEE 754 binary64). */
const ALWAYS_EXACT = /^-?[\d.]{1,15}$/;

/** What the runtime has and TypeScript's library does not name yet: the third argument of a reviver, and raw JSON. */
interface SourceTextAccess {
  parse(text: string, reviver: (key: string, value: unknown, context: Source) => unknown): unknown;
  rawJSON(text: string): object;
}
type Source = { source?: string };
const json = JSON as unknown as SourceTextAccess;

/** A number that `JSON.stringify` writes as the given literal. */
export function exactNumber(literal: string): object {
  return json.rawJSON(literal);
}

/**
 * What a JSON text says, with `inexact` deciding what stands for a number that would be changed.
 * @throws {SyntaxError} when the text is not JSON
 */
export function parseLossless(
  text: string,
  inexact: (literal: string) => unknown = exactNumber,
): unknown {
  if (!MAY_BE_INEXACT.test(text) && !BARE_NUMBER.test(text)) return JSON.parse(text);
  return json.parse(
    text,
    (_key, value, { source }) =>
      typeof value === "number" && source !== undefined && !isExact(source, value)
        ? inexact(source)
        : value,
  );
}

/** Whether the number is written as another literal of the same value. */
function isExact(literal: string, value: number): boolean {
  if (ALWAYS_EXACT.test(literal)) return true;
  return Number.isFinite(value) && canonical(literal) === canonical(String(value));
}

/** A decimal literal as its significant digits and the power of ten behind them: `1.50e3` is `15e2`. */
function canonical(literal: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(literal) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  const power = BigInt(exponent) - BigInt(fraction.length) +
    BigInt(digits.length - significant.length);
  return `${sign}${significant}e${power}`;
}
