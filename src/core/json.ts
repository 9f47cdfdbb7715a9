/** The values that JSON can say. @module */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

/** How deep what programs hand over may be nested: what reads it after us, a database above all, has a limit too. */
export const DEEPEST = 100;

/** Whether a value has more levels than `DEEPEST`. Ask before `JSON.stringify`, which some 100 000 levels overflow. */
export function isTooDeep(value: unknown, levels = DEEPEST): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const key in value) {
    if (isTooDeep((value as Record<string, unknown>)[key], levels - 1)) return true;
  }
  return false;
}
