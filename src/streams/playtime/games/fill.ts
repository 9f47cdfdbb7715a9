/** Fills the slots of games from heartbeats of a version without them, once. @module */
import { logger } from "../../../core/mod.ts";
import type { Store } from "../../../store/mod.ts";
import { GAMES_DUE } from "../migrations.ts";

/** Never rejects: after a failure the next start does it. */
export async function fillGames(
  store: Store,
  { raise, signal }: { raise: () => Promise<unknown>; signal: AbortSignal },
): Promise<void> {
  if (store.meta(GAMES_DUE) !== "yes") return;
  try {
    await raise();
    await store.write(() => store.setMeta(GAMES_DUE, "no"));
  } catch (error) {
    if (signal.aborted) return;
    logger("playtime").error("Earlier heartbeats get their games at the next start: {error}", {
      error,
    });
  }
}
