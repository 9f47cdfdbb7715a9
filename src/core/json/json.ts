/** JSON values, with a limit on their depth. @module */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

/** Deepest nesting that a request may have: the databases that read it later have limits as well. */
export const MAX_DEPTH = 100;

/** Whether a value has more levels than `MAX_DEPTH`. Call it before `JSON.stringify`, which overflows the stack. */
export function isTooDeep(value: unknown, levels = MAX_DEPTH): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const key in value) {
    if (isTooDeep((value as Record<string, unknown>)[key], levels - 1)) return true;
  }
  return false;
}

/** Whether a value is an object, and no list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a parsed value is an object. */
export function isJsonObject(value: unknown): value is JsonObject {
  // `parseLossless` keeps a number that JavaScript cannot as an object without a prototype.
  return isObject(value) && Object.getPrototypeOf(value) !== null;
}
