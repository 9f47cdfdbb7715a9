/** Chance that comes out the same at every start: a value depends on the numbers it is asked for alone. @module */

/** From 0 to below 1. */
export function noise(...keys: readonly number[]): number {
  // The mixing and the end of MurmurHash3.
  let mixed = 0;
  for (const key of keys) {
    const part = Math.imul(key, 0xcc9e2d51);
    mixed ^= Math.imul((part << 15) | (part >>> 17), 0x1b873593);
    mixed = Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64;
  }
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}

/** One of a list. */
export function pick<T>(list: readonly T[], ...keys: readonly number[]): T {
  return list[Math.floor(noise(...keys) * list.length)]!;
}
