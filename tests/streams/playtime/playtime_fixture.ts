/**
 * A playtime stream on a store and a clock of its own, with a game that a test starts and ends at will.
 * @module
 */
import { Hub, type HubMessage, Warnings } from "../../../src/core/mod.ts";
import type { Store } from "../../../src/store/mod.ts";
import {
  createPlaytime,
  migrations,
  type PlaytimeConfig,
  type PlaytimeDeps,
  type PlaytimeStream,
  type Process,
} from "../../../src/streams/playtime/mod.ts";
import type { AllowanceRules } from "../../../src/streams/playtime/allowance/rules.ts";
import { defaultConfig } from "../../support/default_config.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { streamDeps } from "../../support/stream_deps.ts";
import { tempStore } from "../../support/temp.ts";

/** The rules of a machine that is configured to nothing. */
export const NO_LIMIT: AllowanceRules = {
  daily: null,
  weeklyMin: null,
  warnMin: [15, 5, 0],
  timeZone: "UTC",
  startsAt: "00:00",
  games: new Map(),
};

/** What differs from a machine without a cloud and from the defaults. */
type Given = Partial<PlaytimeDeps & PlaytimeConfig>;

export interface PlaytimeFixture extends Disposable {
  store: Store;
  clock: FakeClock;
  hub: Hub;
  warnings: Warnings;
  stream: PlaytimeStream;
  /** What the hub told. */
  news: HubMessage[];
  /** What runs: the games' names, nothing, or a list that fails. */
  game: string | readonly string[] | null | Error;
  /** How often the process list was asked for. */
  looks: number;
  /** Another stream on the same store, as after a restart. */
  restart(given?: Given): PlaytimeStream;
}

export function playtimeFixture(
  given: Given & { start?: string; clock?: FakeClock; config?: PlaytimeConfig } = {},
): PlaytimeFixture {
  // A config of the caller's own can be changed by it.
  const { start = "2026-03-02T12:00:00.000Z", clock = new FakeClock(start), config, ...rest } =
    given;
  const temp = tempStore(migrations, { clock });
  const hub = new Hub();
  const warnings = new Warnings({ clock });
  const news: HubMessage[] = [];
  hub.subscribe((message) => news.push(message));
  const lister = (): Promise<readonly Process[]> => {
    fixture.looks++;
    const { game } = fixture;
    if (game instanceof Error) return Promise.reject(game);
    return Promise.resolve(["init", game ?? []].flat().map((image) => ({ image })));
  };
  const restart = (more: Given = {}) => {
    const all = { clock, hub, warnings, lister, ...rest, ...more };
    return fixture.stream = createPlaytime(
      { ...streamDeps(temp.store), ...all },
      config ?? { ...defaultConfig(), ...all },
    );
  };
  const fixture: Omit<PlaytimeFixture, "stream"> & { stream: PlaytimeStream } = {
    store: temp.store,
    clock,
    hub,
    warnings,
    news,
    game: null,
    looks: 0,
    restart,
    // Made by `restart` right below.
    stream: undefined as unknown as PlaytimeStream,
    [Symbol.dispose]: () => temp[Symbol.dispose](),
  };
  restart();
  return fixture;
}

/** All rows of a table, as plain objects. */
export function rowsOf(
  store: Store,
  table:
    | "heartbeats"
    | "daily_rollups"
    | "usage_slots"
    | "allowance_grants"
    | "game_slots"
    | "daily_games",
): object[] {
  return store.db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all().map((row) => ({ ...row }));
}
