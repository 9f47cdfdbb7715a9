/** The name a person most likely meant. @module */

/**
 * The candidate nearest to `word` by letters left out, added, changed or swapped; `undefined` when none is near.
 * `Endpoint-Url` and `endpoint_url` count as the same word.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  for (const candidate of candidates) {
    const [a, b] = [plain(word), plain(candidate)];
    const steps = distance(a, b);
    if (steps > Math.max(1, Math.floor(b.length / 3))) continue;
    // Of two that are equally far, the one that begins alike for longer.
    const rank = steps - commonStart(a, b) / 1000;
    if (rank < least) {
      best = candidate;
      least = rank;
    }
  }
  return best;
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, "");
}

function commonStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/** Damerau–Levenshtein, with swaps of neighbours: https://en.wikipedia.org/wiki/Damerau–Levenshtein_distance */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let steps = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        steps = Math.min(steps, beforeLast[j - 2]! + 1);
      }
      row.push(steps);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
