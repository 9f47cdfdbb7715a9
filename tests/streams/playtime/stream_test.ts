import assert from "node:assert/strict";
import { systemClock } from "../../../src/core/mod.ts";
import { runTool } from "../../../src/streams/playtime/processes/tool.ts";
import { startFakeGame } from "../../support/fakes/fake_game.ts";
import { holdWriteLock } from "../../support/process/write_lock.ts";
import { tempDir } from "../../support/temp.ts";
import { until } from "../../support/until.ts";
import { type PlaytimeFixture, playtimeFixture, rowsOf } from "./playtime_fixture.ts";

/** Runs the stream's loop while `act` moves the clock. */
async function running(fixture: PlaytimeFixture, act: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const run = fixture.stream.run(stop.signal);
  await fixture.clock.advance(0);
  await act();
  stop.abort();
  await run;
  // The store's worker may wait for more to move, by the same clock.
  using _ = await fixture.store.checkpointer.rest();
  assert.equal(fixture.clock.sleepers, 0);
}

const minutesOf = ({ store }: PlaytimeFixture) =>
  rowsOf(store, "daily_rollups").map((row) => Reflect.get(row, "minutes_used"));
const heartbeatsOf = ({ store }: PlaytimeFixture) => rowsOf(store, "heartbeats").length;

Deno.test("Looks at the same time are counted once each", async () => {
  using fixture = playtimeFixture({ poll_interval_sec: 5 });
  const { stream, store } = fixture;
  fixture.game = "Minecraft.exe";
  await Promise.all(Array.from({ length: 12 }, () => stream.pollOnce()));
  assert.equal(heartbeatsOf(fixture), 12);
  assert.deepEqual(minutesOf(fixture), [1]);
  assert.equal(new Set(rowsOf(store, "heartbeats").map((row) => Reflect.get(row, "id"))).size, 12);
  assert.equal(fixture.news.length, 12);
});

Deno.test("A minute of play is a minute in the heartbeats, the day, the slot and the status", async () => {
  using fixture = playtimeFixture({ daily_allowance_min: 0.5 });
  const { stream, clock, store } = fixture;
  fixture.game = "Minecraft.exe";
  await running(fixture, () => clock.advance(55_000));
  assert.equal(heartbeatsOf(fixture), 12);
  const [first] = rowsOf(store, "heartbeats") as Record<string, unknown>[];
  assert.match(String(first!.id), /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  assert.deepEqual({ ...first, id: "" }, {
    seq: 1,
    id: "",
    device_id: "pc-1",
    timestamp_utc: "2026-03-02T12:00:00.000Z",
    is_playing: 1,
    poll_interval_sec: 5,
    process_name: "Minecraft.exe",
    synced_at: null,
    rejected_at: null,
  });
  assert.deepEqual(rowsOf(store, "daily_rollups"), [{
    device_id: "pc-1",
    date_utc: "2026-03-02",
    minutes_used: 1,
    minutes_overdraft: 0.5,
    allowance_min: 0.5,
    last_heartbeat_at: "2026-03-02T12:00:55.000Z",
    updated_at: "2026-03-02T12:00:55.000Z",
  }]);
  assert.deepEqual(rowsOf(store, "usage_slots"), [
    { device_id: "pc-1", slot_utc: "2026-03-02T12:00:00.000Z", minutes_used: 1 },
  ]);
  assert.deepEqual(stream.status(), {
    is_playing: true,
    playing_since: "2026-03-02T12:00:00.000Z",
    process_name: "Minecraft.exe",
    last_seen: "2026-03-02T12:00:55.000Z",
    heartbeats_waiting: 0,
    first_day: "2026-03-02",
    today: {
      date: "2026-03-02",
      time_zone: "UTC",
      minutes_used: 1,
      minutes_overdraft: 0.5,
      allowance_min: 0.5,
      minutes_left: 0,
      day_starts_at: "00:00",
      granted_min: 0,
      limited_by: "day",
      week: {
        from: "2026-03-02",
        to: "2026-03-08",
        allowance_min: null,
        granted_min: 0,
        used_min: 1,
        left_min: null,
      },
    },
  });
});

Deno.test("The status knows within one poll that the game began and that it ended", async () => {
  using fixture = playtimeFixture();
  const { stream, clock } = fixture;
  assert.equal(stream.status().is_playing, null);
  await running(fixture, async () => {
    assert.equal(stream.status().is_playing, false);
    fixture.game = "Minecraft.exe";
    await clock.advance(5_000);
    assert.equal(stream.status().is_playing, true);
    fixture.game = null;
    await clock.advance(5_000);
    assert.equal(stream.status().is_playing, false);
    assert.equal(stream.status().process_name, null);
  });
});

Deno.test("A day without play has its rollup, and no slots", async () => {
  using fixture = playtimeFixture();
  await running(fixture, () => fixture.clock.advance(20_000));
  assert.deepEqual(minutesOf(fixture), [0]);
  assert.deepEqual(rowsOf(fixture.store, "usage_slots"), []);
});

Deno.test("A heartbeat is told of once it is committed, as it is sent", async () => {
  using fixture = playtimeFixture();
  const { news, stream, store } = fixture;
  fixture.hub.subscribe(() => assert.equal(heartbeatsOf(fixture), 1));
  fixture.game = "Minecraft.exe";
  const heartbeat = await stream.pollOnce();
  assert.deepEqual(news, [{ topic: "heartbeat", data: heartbeat }]);
  assert.deepEqual(stream.outbox.pending(10), {
    stream: "playtime",
    table: "heartbeats",
    operation: "insert",
    rows: [heartbeat],
  });
  assert.deepEqual(heartbeat, {
    id: heartbeat?.id,
    device_id: "pc-1",
    timestamp_utc: "2026-03-02T12:00:00.000Z",
    is_playing: true,
    poll_interval_sec: 5,
    process_name: "Minecraft.exe",
  });
  await store.write(() => stream.outbox.settle([heartbeat!.id], "2026-03-02T12:01:00.000Z"));
  assert.deepEqual(stream.outbox.depth(), { rows: 0, oldest: null });
});

Deno.test("What sleep skips is neither replayed nor credited", async () => {
  using fixture = playtimeFixture();
  const { clock, stream } = fixture;
  fixture.game = "Minecraft.exe";
  await running(fixture, async () => {
    await clock.advance(55_000);
    await clock.sleep(8 * 3_600_000);
    assert.equal(stream.status().playing_since, "2026-03-02T20:00:55.000Z");
    await clock.advance(60_000);
  });
  // A minute before, the look that woke up late, a minute after it.
  assert.equal(heartbeatsOf(fixture), 12 + 1 + 12);
});

Deno.test("A session goes on after a restart that took less than a poll and half a minute", async () => {
  using fixture = playtimeFixture();
  const { clock } = fixture;
  // More than a page of heartbeats, after a look that found nothing.
  fixture.game = null;
  await fixture.stream.pollOnce();
  fixture.game = "Minecraft.exe";
  await running(fixture, () => clock.advance(3_600_000));
  const since = fixture.stream.status().playing_since;
  assert.equal(since, "2026-03-02T12:00:00.000Z");
  await clock.sleep(34_000);
  fixture.restart();
  assert.equal(fixture.stream.status().playing_since, null);
  await running(fixture, () => clock.advance(5_000));
  assert.equal(fixture.stream.status().playing_since, since);

  await clock.sleep(36_000);
  fixture.restart();
  await running(fixture, () => clock.advance(0));
  assert.equal(fixture.stream.status().playing_since, "2026-03-02T13:01:15.000Z");
});

Deno.test("A session that ended before a restart does not go on", async () => {
  using fixture = playtimeFixture();
  const { clock } = fixture;
  fixture.game = "Minecraft.exe";
  await running(fixture, async () => {
    await clock.advance(5_000);
    fixture.game = null;
    await clock.advance(5_000);
  });
  fixture.restart();
  fixture.game = "Minecraft.exe";
  await running(fixture, () => clock.advance(0));
  assert.equal(fixture.stream.status().playing_since, "2026-03-02T12:00:10.000Z");
});

Deno.test("A slow list delays nothing that follows", async () => {
  const slow = Promise.withResolvers<readonly never[]>();
  const times: string[] = [];
  using fixture = playtimeFixture({
    lister: () => {
      times.push(new Date(fixture.clock.now()).toISOString().slice(17, 19));
      return times.length === 2 ? slow.promise : Promise.resolve([]);
    },
  });
  await running(fixture, async () => {
    await fixture.clock.advance(8_000);
    slow.resolve([]);
    await fixture.clock.advance(12_000);
  });
  assert.deepEqual(times, ["00", "05", "10", "15", "20"]);
  assert.equal(heartbeatsOf(fixture), 5);
});

Deno.test("A list that fails is unknown: no heartbeat, one warning, over when it works again", async () => {
  using fixture = playtimeFixture();
  const { stream, clock, warnings } = fixture;
  fixture.game = "Minecraft.exe";
  await running(fixture, async () => {
    fixture.game = new Error("ps ended with code 1");
    await clock.advance(10_000);
    assert.equal(stream.status().is_playing, null);
    assert.equal(stream.status().playing_since, null);
    assert.deepEqual(warnings.list(), [{
      code: "processes",
      message:
        "Cannot tell whether the game runs: ps ended with code 1. Play time is not counted meanwhile.",
      since: "2026-03-02T12:00:05.000Z",
    }]);
    fixture.game = "Minecraft.exe";
    await clock.advance(5_000);
    assert.equal(stream.status().playing_since, "2026-03-02T12:00:00.000Z");
    assert.deepEqual(warnings.list(), []);
  });
  assert.equal(heartbeatsOf(fixture), 2);
});

Deno.test("A list that never answers costs its own look and no other", async () => {
  let looks = 0;
  using fixture = playtimeFixture({
    lister: () => ++looks === 2 ? new Promise(() => {}) : Promise.resolve([]),
  });
  await running(fixture, async () => {
    await fixture.clock.advance(9_400);
    assert.equal(fixture.warnings.list().length, 0);
    await fixture.clock.advance(100);
    assert.match(fixture.warnings.list()[0]!.message, /no answer within 4.5 s/);
    await fixture.clock.advance(5_500);
  });
  assert.equal(looks, 4);
  assert.equal(heartbeatsOf(fixture), 3);
});

Deno.test("The loop ends at once, even while a list hangs", async () => {
  using fixture = playtimeFixture({ lister: () => new Promise(() => {}) });
  await running(fixture, () => fixture.clock.advance(1_000));
  assert.equal(heartbeatsOf(fixture), 0);
  assert.deepEqual(fixture.warnings.list(), []);
});

Deno.test("A heartbeat that cannot be written waits and goes with the next one", async () => {
  using fixture = playtimeFixture();
  const { store, stream, clock, news } = fixture;
  fixture.game = "Minecraft.exe";
  store.db.exec(`CREATE TRIGGER full BEFORE INSERT ON heartbeats
    BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
  await running(fixture, async () => {
    await clock.advance(10_000);
    assert.equal(heartbeatsOf(fixture), 0);
    assert.equal(stream.status().is_playing, true);
    assert.equal(stream.status().last_seen, null);
    store.db.exec("DROP TRIGGER full");
    await clock.advance(5_000);
  });
  assert.equal(heartbeatsOf(fixture), 4);
  assert.equal(news.length, 4);
  assert.deepEqual(minutesOf(fixture), [20 / 60]);
  assert.equal(stream.status().today.minutes_used, 20 / 60);
  assert.equal(stream.outbox.depth().rows, 4);
});

Deno.test("Looks go on while another program holds the database, and all they saw is written when it lets go", async () => {
  using fixture = playtimeFixture();
  const { store, stream, clock, warnings } = fixture;
  fixture.game = "Minecraft.exe";
  const POLLS_A_MINUTE = 12;
  await running(fixture, async () => {
    const holder = await holdWriteLock(store.path);
    await clock.advance(60_000);
    assert.equal(fixture.looks, 1 + POLLS_A_MINUTE);
    // The look at the beginning was written before.
    assert.equal(stream.status().heartbeats_waiting, POLLS_A_MINUTE);
    assert.deepEqual(warnings.list().map(({ code }) => code), ["heartbeats"]);
    // The store gives up on a write after some seconds; the next look tries again.
    await until(
      () => /Close that program/.test(warnings.list()[0]?.message ?? ""),
      "the write to fail",
    );
    await clock.advance(60_000);
    fixture.game = null;
    await clock.advance(5_000);
    assert.equal(stream.status().is_playing, false);
    assert.equal(heartbeatsOf(fixture), 1);
    await holder.letGo();
    await clock.advance(5_000);
    await until(() => stream.status().heartbeats_waiting === 0, "the heartbeats to be written");
  });
  assert.equal(heartbeatsOf(fixture), 1 + 2 * POLLS_A_MINUTE + 2);
  assert.deepEqual(minutesOf(fixture), [(1 + 2 * POLLS_A_MINUTE) * 5 / 60]);
  assert.deepEqual(warnings.list(), []);
  const times = (rowsOf(store, "heartbeats") as { timestamp_utc: string }[])
    .map(({ timestamp_utc }) => timestamp_utc);
  assert.deepEqual(times, times.toSorted());
});

Deno.test("pollOnce says that its heartbeat could not be written", async () => {
  using fixture = playtimeFixture();
  fixture.store.db.exec("DROP TABLE usage_slots");
  fixture.game = "Minecraft.exe";
  await assert.rejects(fixture.stream.pollOnce(), /usage_slots/);
  assert.equal(heartbeatsOf(fixture), 0);
  assert.deepEqual(minutesOf(fixture), []);
});

Deno.test("A dry run looks and tells, and writes nothing", async () => {
  using fixture = playtimeFixture();
  const { news } = fixture;
  fixture.game = "Minecraft.exe";
  const stream = fixture.restart({ dryRun: true });
  const heartbeat = await stream.pollOnce();
  assert.equal(heartbeat?.is_playing, true);
  assert.deepEqual(news, [{ topic: "heartbeat", data: heartbeat }]);
  await running(fixture, () => fixture.clock.advance(5_000));
  assert.equal(news.length, 3);
  assert.equal(heartbeatsOf(fixture), 0);
  assert.equal(stream.outbox.depth().rows, 0);
});

Deno.test("Midnight parts the play between two days, and today begins anew", async () => {
  using fixture = playtimeFixture({
    start: "2026-03-06T23:59:30.000Z",
    daily_allowance_min: { fri: 1, sat: 120 },
  });
  const { stream, clock } = fixture;
  fixture.game = "Minecraft.exe";
  await running(fixture, async () => {
    await clock.advance(25_000);
    assert.equal(stream.status().today.minutes_left, 0.5);
    await clock.advance(60_000);
  });
  assert.deepEqual(minutesOf(fixture), [0.5, 1]);
  assert.deepEqual(stream.status().today, {
    date: "2026-03-07",
    time_zone: "UTC",
    minutes_used: 1,
    minutes_overdraft: 0,
    allowance_min: 120,
    minutes_left: 119,
    day_starts_at: "00:00",
    granted_min: 0,
    limited_by: "day",
    week: {
      from: "2026-03-02",
      to: "2026-03-08",
      allowance_min: null,
      granted_min: 0,
      used_min: 1.5,
      left_min: null,
    },
  });
});

Deno.test("Today is counted in the configured time zone, also after a restart", async () => {
  // 04:30 in Kolkata, whose day began at 18:30 UTC.
  using fixture = playtimeFixture({ start: "2026-03-02T18:29:30.000Z", timeZone: "Asia/Kolkata" });
  fixture.game = "Minecraft.exe";
  await running(fixture, async () => {
    await fixture.clock.advance(25_000);
    assert.equal(fixture.stream.status().today.minutes_used, 0.5);
    await fixture.clock.advance(60_000);
  });
  const { today } = fixture.stream.status();
  assert.equal(today.date, "2026-03-03");
  assert.equal(today.minutes_used, 1);
  assert.deepEqual(fixture.restart().status().today, today);
  assert.equal(fixture.stream.status().last_seen, "2026-03-02T18:30:55.000Z");
});

Deno.test("A clock that is set moves heartbeats, not what they are worth", async () => {
  using fixture = playtimeFixture();
  const { clock, stream } = fixture;
  fixture.game = "Minecraft.exe";
  await running(fixture, async () => {
    await clock.advance(55_000);
    clock.set("2026-03-02T11:00:00.000Z");
    await clock.advance(60_000);
    assert.deepEqual(minutesOf(fixture), [2]);
    clock.set("2086-03-02T11:00:00.000Z");
    await clock.advance(60_000);
    assert.equal(stream.status().today.minutes_used, 1);
    clock.set("2026-03-02T12:03:00.000Z");
    await clock.advance(60_000);
  });
  assert.deepEqual(minutesOf(fixture), [3, 1]);
  assert.equal(stream.status().today.minutes_used, 3);
});

Deno.test("A stream that could never see its game says so", () => {
  const hidden = Deno.build.os === "windows" ? "command" : "window_title";
  using fixture = playtimeFixture({ process_name: { image: "java", [hidden]: "*x*" } });
  assert.deepEqual(fixture.warnings.list().map(({ code }) => code), ["process-name"]);
});

Deno.test("The status knows the first day, also of a clock that was set back and after a restart", async () => {
  using fixture = playtimeFixture();
  assert.equal(fixture.stream.status().first_day, null);
  await fixture.stream.pollOnce();
  assert.equal(fixture.stream.status().first_day, "2026-03-02");
  fixture.clock.set("2026-03-01T12:00:00.000Z");
  await fixture.stream.pollOnce();
  assert.equal(fixture.stream.status().first_day, "2026-03-01");
  assert.equal(fixture.restart().status().first_day, "2026-03-01");
});

Deno.test({
  name: "A real process list that hangs is killed in time",
  ignore: Deno.build.os === "windows",
  async fn() {
    using dir = tempDir();
    const tool = `${dir.path}/ps`;
    Deno.writeTextFileSync(tool, `#!/bin/sh\necho $$ > ${dir.path}/pid\nsleep 60\n`, {
      mode: 0o755,
    });
    using fixture = playtimeFixture({
      lister: async ({ signal }) => {
        await runTool(tool, [], { signal });
        return [];
      },
    });
    const stream = fixture.restart({ clock: systemClock, listTimeoutMs: 300 });
    assert.equal(await stream.pollOnce(), null);
    assert.match(fixture.warnings.list()[0]!.message, /no answer within 0.3 s/);
    const pid = Number(Deno.readTextFileSync(`${dir.path}/pid`));
    const gone = () =>
      !new Deno.Command("kill", { args: ["-0", `${pid}`], stderr: "null" })
        .outputSync().success;
    await until(gone, "the hung list to end");
  },
});

Deno.test({
  name: "The real process list shows a game that begins and ends",
  ignore: Deno.build.os === "windows",
  async fn() {
    const name = `Minecraft-${crypto.randomUUID()}.exe`;
    using fixture = playtimeFixture({ process_name: name });
    const stream = fixture.restart({ clock: systemClock, lister: undefined });
    assert.equal((await stream.pollOnce())?.is_playing, false);
    await using game = await startFakeGame(name);
    assert.equal((await stream.pollOnce())?.process_name, name);
    await game.stop();
    assert.equal((await stream.pollOnce())?.is_playing, false);
    assert.equal(fixture.clock.sleepers, 0);
  },
});
