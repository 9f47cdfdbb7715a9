/** Whether the game runs, and since when. @module */
import type { PlaytimeStatus, StoredHeartbeat } from "../../../contract/playtime.ts";
import { type Clock, type Instant, logger, msOf } from "../../../core/mod.ts";
import { inSlices } from "../../../store/mod.ts";
import type { Heartbeats } from "./heartbeats.ts";

export type SessionView = Pick<PlaytimeStatus, "is_playing" | "playing_since" | "process_name">;

export class Session {
  readonly #clock: Clock;
  readonly #maxGapMs: () => number;
  #isPlaying: boolean | null = null;
  #game: { name: string; since: Instant; seenAt: number } | undefined;

  /** @param options.maxGapMs after a longer time without a poll (the machine slept) a new session begins */
  constructor({ clock, maxGapMs }: { clock: Clock; maxGapMs: () => number }) {
    this.#clock = clock;
    this.#maxGapMs = maxGapMs;
  }

  /**
   * Restores the session before a restart, last seen at `seen`. A poll that finds the game within the gap continues it.
   */
  resume({ name, since, seen }: { name: string; since: Instant; seen: Instant }): void {
    const seenAt = this.#clock.monotonic() - (this.#clock.now() - msOf(seen));
    this.#game = { name, since, seenAt };
  }

  /** A poll found the game under this name. */
  playing(name: string, at: Instant): void {
    const seenAt = this.#clock.monotonic();
    const known = this.#game;
    const since = known && seenAt - known.seenAt <= this.#maxGapMs() ? known.since : at;
    if (since === at) logger("playtime").info("{name} is running", { name });
    this.#isPlaying = true;
    this.#game = { name, since, seenAt };
  }

  /** A poll found that the game does not run. */
  idle(): void {
    if (this.#game) logger("playtime").info("{name} has ended", { name: this.#game.name });
    this.#isPlaying = false;
    this.#game = undefined;
  }

  /** A poll could not tell. */
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

/** The session that a restart interrupted. */
export interface LastSession {
  readonly name: string;
  readonly since: Instant;
  readonly seen: Instant;
}

const PAGE_ROWS = 500;

/** The session of the newest heartbeats; undefined when the last poll found no game. */
export async function lastSession(
  heartbeats: Heartbeats,
  { now, maxGapMs, signal }: { now: number; maxGapMs: number; signal: AbortSignal },
): Promise<LastSession | undefined> {
  let newest: StoredHeartbeat | undefined;
  let oldest: StoredHeartbeat | undefined;
  let seq = Number.MAX_SAFE_INTEGER;
  await inSlices(() => {
    const page = heartbeats.before(seq, PAGE_ROWS);
    for (const { heartbeat } of page) {
      const next = oldest ? msOf(oldest.timestamp_utc) : now;
      const gapMs = next - msOf(heartbeat.timestamp_utc);
      if (!heartbeat.is_playing || gapMs < 0 || gapMs > maxGapMs) return false;
      newest ??= heartbeat;
      oldest = heartbeat;
    }
    seq = page.at(-1)?.seq ?? 0;
    return page.length === PAGE_ROWS;
  }, { signal });
  return newest && oldest && {
    name: newest.process_name ?? "",
    since: oldest.timestamp_utc,
    seen: newest.timestamp_utc,
  };
}
