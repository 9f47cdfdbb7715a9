/**
 * Which events were handed on, by `seq`: what makes a change of the source neither repeat nor skip one. The agent
 * gives all of them in order; the cloud may lack one that it has not been sent yet, which is a hole:
 *
 *     from the cloud     1 2 3   5 6       base 3, ahead 5–6
 *     back at the agent        4 · · 7     asked from 3 on: 5 and 6 are known, 4 was missed
 * @module
 */

export class Seen {
  /** Up to here nothing is missing; null before the first event. */
  #base: number | null = null;
  /** Beyond: ranges, both ends included, in order, with holes between. */
  #ahead: [from: number, to: number][] = [];

  /** Where the agent has to begin again; null for anywhere. */
  get base(): number | null {
    return this.#base;
  }

  /** The highest that was handed on; 0 before the first. */
  get last(): number {
    return this.#ahead.at(-1)?.[1] ?? this.#base ?? 0;
  }

  /** Ranges that are missing before the last, both ends included; the newest `count` of them, oldest first. */
  holes(most: number): [from: number, to: number][] {
    if (this.#base === null) return [];
    const ends = [this.#base, ...this.#ahead.map(([, to]) => to)];
    return this.#ahead.map(([from], index): [number, number] => [ends[index]! + 1, from - 1])
      .slice(-most);
  }

  /** Sets the point after which events are wanted. The agent's log may lie before it, restored from a backup. */
  startAt(seq: number): void {
    this.#base = seq;
    this.#ahead = [];
  }

  /** An event of the agent, which leaves none out. Whether it is new. */
  addOrdered(seq: number): boolean {
    if (this.#base !== null && seq <= this.#base) return false;
    const known = this.#has(seq);
    this.#base = seq;
    this.#absorb();
    return !known;
  }

  /** An event of the cloud, where one before it may be missing. Whether it is new. */
  add(seq: number): boolean {
    this.#base ??= seq - 1;
    if (seq <= this.#base || this.#has(seq)) return false;
    const at = this.#ahead.findIndex(([from]) => from > seq);
    this.#ahead.splice(at < 0 ? this.#ahead.length : at, 0, [seq, seq]);
    this.#join();
    this.#absorb();
    return true;
  }

  #has(seq: number): boolean {
    return this.#ahead.some(([from, to]) => seq >= from && seq <= to);
  }

  #join(): void {
    const joined: [number, number][] = [];
    for (const [from, to] of this.#ahead) {
      const before = joined.at(-1);
      if (before && before[1] + 1 >= from) before[1] = Math.max(before[1], to);
      else joined.push([from, to]);
    }
    this.#ahead = joined;
  }

  /** Moves the base over what follows it without a hole. */
  #absorb(): void {
    while (this.#base !== null && this.#ahead.length > 0) {
      const [from, to] = this.#ahead[0]!;
      if (from > this.#base + 1) return;
      this.#base = Math.max(this.#base, to);
      this.#ahead.shift();
    }
  }
}
