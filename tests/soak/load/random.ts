/** Chance that can be repeated: the same seed gives the same numbers. @module */

export interface Random {
  /** A number in [0, 1). */
  (): number;
  /** A number in [least, most). */
  between(least: number, most: number): number;
  /** A whole number in [0, count). */
  below(count: number): number;
  pick<T>(from: readonly T[]): T;
}

/** A source of its own for each purpose, so that one that asks more often does not change the others. */
export function randomOf(seed: number, purpose: string): Random {
  let state = seed;
  for (const letter of purpose) state = (Math.imul(state, 31) + letter.charCodeAt(0)) | 0;
  // Mulberry32: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c
  const next = () => {
    state = (state + 0x6D2B79F5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count: number) => Math.floor(next() * count);
  return Object.assign(next, {
    below,
    between: (least: number, most: number) => least + next() * (most - least),
    pick: <T>(from: readonly T[]) => from[below(from.length)]!,
  });
}
