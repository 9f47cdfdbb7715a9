/** Whether the game runs and since when, as far as the looks at the process list tell. @module */
import { type Clock, type Instant, logger } from "../../core/mod.ts";

export interface SessionView {
  /** Null while it is not known. */
  readonly is_playing: boolean | null;
  readonly playing_since: Instant | null;
  readonly process_name: string | null;
}

export class Session {
  readonly #clock: Clock;
  readonly #maxGapMs: number;
  #isPlaying: boolean | null = null;
  #game: { name: string; since: Instant; seenAt: number } | undefined;

  /** @param options.maxGapMs after a longer time without a look (the machine slept) it is another session */
  constructor({ clock, maxGapMs }: { clock: Clock; maxGapMs: number }) {
    this.#clock = clock;
    this.#maxGapMs = maxGapMs;
  }

  /** A look found the game under this name. */
  playing(name: string, at: Instant): void {
    const seenAt = this.#clock.monotonic();
    const known = this.#game;
    const since = known && seenAt - known.seenAt <= this.#maxGapMs ? known.since : at;
    if (since === at) logger("playtime").info("{name} is running", { name });
    this.#isPlaying = true;
    this.#game = { name, since, seenAt };
  }

  /** A look found that it does not run. */
  idle(): void {
    if (this.#game) logger("playtime").info("{name} has ended", { name: this.#game.name });
    this.#isPlaying = false;
    this.#game = undefined;
  }

  /** A look could not tell. */
  unknown(): void {
    this.#isPlaying = null;
  }

  view(): SessionView {
    const game = this.#isPlaying ? this.#game : undefined;
    return {
      is_playing: this.#isPlaying,
      playing_since: game?.since ?? null,
      process_name: game?.name ?? null,
    };
  }
}
