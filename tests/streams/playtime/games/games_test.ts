import assert from "node:assert/strict";
import fc from "fast-check";
import { dayAt, dayBounds, instantOf, msOf } from "../../../../src/core/mod.ts";
import { GAMES_DUE } from "../../../../src/streams/playtime/migrations.ts";
import { gameDays } from "../../../../src/streams/playtime/games/days.ts";
import { renameDays } from "../../../../src/streams/playtime/rename.ts";
import { openTables, recordHeartbeat } from "../../../../src/streams/playtime/tables.ts";
import { testApi } from "../../../support/api.ts";
import { until } from "../../../support/until.ts";
import { playtimeFixture, rowsOf } from "../playtime_fixture.ts";

const NAMES = [{ image: "Roblox*", label: "Roblox" }, { image: "Other.exe" }];

Deno.test("Two games at once count once in the total, and each for itself", async () => {
  using fixture = playtimeFixture({ process_name: NAMES });
  const { stream, store, clock } = fixture;
  for (const game of ["Other.exe", ["Other.exe", "RobloxPlayerBeta.exe"], "init", null]) {
    fixture.game = game;
    await stream.pollOnce();
    await clock.advance(5_000);
  }
  assert.equal(stream.status().today.minutes_used, 10 / 60);
  assert.deepEqual(
    (rowsOf(store, "heartbeats") as { process_name: string }[]).map((row) => row.process_name),
    ["Other.exe", "RobloxPlayerBeta.exe", null, null],
  );
  const day = { device_id: "pc-1", date_utc: "2026-03-02" };
  assert.deepEqual(rowsOf(store, "daily_games"), [
    { ...day, label: "Other.exe", process_name: "Other.exe", minutes_used: 10 / 60 },
    { ...day, label: "Roblox", process_name: "RobloxPlayerBeta.exe", minutes_used: 5 / 60 },
  ]);
});

Deno.test("A heartbeat that cannot be written keeps its games until it is", async () => {
  using fixture = playtimeFixture();
  const { store, stream } = fixture;
  fixture.game = "Minecraft.exe";
  store.db.exec("ALTER TABLE game_slots RENAME TO away");
  await assert.rejects(stream.pollOnce());
  assert.deepEqual(rowsOf(store, "heartbeats"), [], "all or nothing");
  store.db.exec("ALTER TABLE away RENAME TO game_slots");
  await stream.pollOnce();
  assert.deepEqual(
    (rowsOf(store, "game_slots") as { minutes_used: number }[]).map((row) => row.minutes_used),
    [10 / 60],
  );
});

Deno.test("recompute keeps the games that no heartbeat names, and raises those that one does", async () => {
  using fixture = playtimeFixture({ process_name: NAMES });
  const { stream, store } = fixture;
  fixture.game = ["RobloxPlayerBeta.exe", "Other.exe"];
  await stream.pollOnce();
  const before = rowsOf(store, "game_slots");
  assert.deepEqual(await stream.recompute(), { days: 1, changed: 0, incomplete: 0 });
  assert.deepEqual(rowsOf(store, "game_slots"), before);
  store.db.exec("UPDATE game_slots SET minutes_used = 0.01, label = 'Old name'");
  await stream.recompute();
  assert.deepEqual(
    (rowsOf(store, "game_slots") as { process_name: string; minutes_used: number }[])
      .map(({ process_name, minutes_used }) => [process_name, minutes_used]),
    [["Other.exe", 0.01], ["RobloxPlayerBeta.exe", 5 / 60]],
  );
});

Deno.test("Heartbeats of an earlier version are given their games once, under the names of today", async () => {
  using fixture = playtimeFixture({ process_name: NAMES });
  const { stream, store } = fixture;
  fixture.game = "RobloxPlayerBeta.exe";
  await stream.pollOnce();
  await store.write(() => {
    store.db.exec("DELETE FROM game_slots");
    store.setMeta(GAMES_DUE, "yes");
  });
  fixture.game = null;
  const stop = new AbortController();
  const running = fixture.restart().run(stop.signal);
  await until(() => store.meta(GAMES_DUE) === "no", "the games are filled in");
  stop.abort();
  await running;
  const [row] = rowsOf(store, "daily_games") as { label: string; minutes_used: number }[];
  assert.deepEqual([row?.label, row?.minutes_used], ["Roblox", 5 / 60]);
});

Deno.test("A changed device id takes the games with it, and joins those that it has", async () => {
  using fixture = playtimeFixture();
  const { stream, store } = fixture;
  fixture.game = "Minecraft.exe";
  await stream.pollOnce();
  store.db.exec(
    `INSERT INTO game_slots SELECT 'old', slot_utc, label, process_name, 1 FROM game_slots;
     INSERT INTO game_slots SELECT 'old', slot_utc, 'Other', process_name, 2 FROM game_slots
       WHERE device_id = 'pc-1'`,
  );
  await renameDays(store, { before: ["old"], id: "pc-1" });
  assert.deepEqual(
    (rowsOf(store, "game_slots") as { device_id: string; label: string; minutes_used: number }[])
      .map(({ device_id, label, minutes_used }) => [device_id, label, minutes_used]),
    [["pc-1", "Minecraft", 1], ["pc-1", "Other", 2]],
  );
});

Deno.test("The games of a zone's days are sums of its play, for any history", async () => {
  const zones = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"];
  const cases = zones.flatMap((zone) => ["00:00", "04:00"].map((at) => [zone, at] as const));
  const start = msOf("2026-03-27T00:00:00.000Z");
  const play = fc.record({
    minute: fc.integer({ min: 0, max: 5 * 1440 }),
    games: fc.uniqueArray(fc.constantFrom("one", "two", "three"), { minLength: 1 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(play, { maxLength: 40 }), async (history) => {
      using fixture = playtimeFixture();
      const tables = openTables(fixture.store);
      await fixture.store.write(() => {
        for (const [index, { minute, games }] of history.entries()) {
          recordHeartbeat(tables, {
            id: `h${index}`,
            device_id: "pc-1",
            timestamp_utc: instantOf(start + minute * 60_000),
            is_playing: true,
            poll_interval_sec: 7,
            process_name: games[0]!,
          }, {
            games: games.map((name) => ({ label: name, process_name: name })),
            allowance: null,
          });
        }
      });
      for (const [timeZone, startsAt] of cases) {
        const rows = await gameDays(tables.games, {
          deviceId: "pc-1",
          from: "2026-03-25",
          to: "2026-04-03",
          timeZone,
          startsAt,
        });
        const expected = new Map<string, number>();
        for (const { minute, games } of history) {
          for (const name of games) {
            const key = `${dayAt(start + minute * 60_000, timeZone, startsAt)} ${name}`;
            expected.set(key, (expected.get(key) ?? 0) + 7);
          }
        }
        assert.deepEqual(
          new Map(
            rows.map((row) => [`${row.date} ${row.label}`, Math.round(row.minutes_used * 60)]),
          ),
          new Map([...expected].sort()),
        );
        for (const { date, minutes_used } of rows) {
          const span = dayBounds(date, timeZone, startsAt);
          assert.ok(minutes_used * 60_000 <= span.to - span.from);
        }
      }
    }),
    { numRuns: 20 },
  );
});

Deno.test("GET /allowance has the games of the day, those with an allowance of their own first", async () => {
  const roblox = { image: "Roblox*", label: "Roblox", daily_allowance_min: 1 };
  const idle = { image: "idle", label: "Idle", daily_allowance_min: { sun: 30 } };
  using fixture = playtimeFixture({
    process_name: [roblox, idle, { image: "Other.exe" }],
    poll_interval_sec: 45,
  });
  const { stream, clock } = fixture;
  using api = testApi({ ...fixture, streams: [stream] });
  fixture.game = ["RobloxPlayerBeta.exe", "Other.exe"];
  const games = async () => {
    await stream.pollOnce();
    await clock.advance(45_000);
    return (await (await api.ask("/allowance")).json()).games;
  };
  const other = { label: "Other.exe", allowance_min: null, left_min: null };
  const none = { label: "Idle", allowance_min: 0, used_min: 0, left_min: 0 };
  assert.deepEqual(await games(), [
    { label: "Roblox", allowance_min: 1, used_min: 0.75, left_min: 0.25 },
    none,
    { ...other, used_min: 0.75 },
  ]);
  assert.deepEqual(await games(), [
    { label: "Roblox", allowance_min: 1, used_min: 1.5, left_min: 0 },
    none,
    { ...other, used_min: 1.5 },
  ]);
});
