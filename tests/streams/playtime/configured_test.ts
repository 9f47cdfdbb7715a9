import assert from "node:assert/strict";
import { defaultConfig } from "../../support/default_config.ts";
import { playtimeFixture, rowsOf } from "./playtime_fixture.ts";

interface Row {
  timestamp_utc: string;
  poll_interval_sec: number;
}

Deno.test("A changed poll interval counts from the next poll on: nothing twice, nothing lost", async () => {
  const config = defaultConfig({ poll_interval_sec: 60 });
  using fixture = playtimeFixture({ config });
  const { clock, store, stream } = fixture;
  fixture.game = "Minecraft.exe";
  const stop = new AbortController();
  const running = stream.run(stop.signal);
  await clock.advance(90_000);
  config.poll_interval_sec = 5;
  stream.configured();
  await clock.advance(45_000);
  config.poll_interval_sec = 120;
  stream.configured();
  await clock.advance(300_000);
  stop.abort();
  await running;
  const rows = rowsOf(store, "heartbeats") as Row[];
  for (const [index, { timestamp_utc, poll_interval_sec }] of rows.slice(0, -1).entries()) {
    const next = Date.parse(rows[index + 1]!.timestamp_utc);
    assert.equal(next - Date.parse(timestamp_utc), poll_interval_sec * 1000, timestamp_utc);
  }
  assert.deepEqual(
    [60, 5, 120].map((sec) => rows.some((row) => row.poll_interval_sec === sec)),
    [true, true, true],
  );
  assert.equal(stream.status().playing_since, "2026-03-02T12:00:00.000Z", "one session");
});

Deno.test("Changed allowances, days and games are in force at once", async () => {
  const config = defaultConfig({ daily_allowance_min: 60, process_name: "one.exe" });
  using fixture = playtimeFixture({ config });
  const { stream, store } = fixture;
  fixture.game = ["one.exe", "two.exe"];
  await stream.pollOnce();
  assert.equal(stream.status().today.allowance_min, 60);
  Object.assign(config, {
    daily_allowance_min: 30,
    day_starts_at: "13:00",
    process_name: [{ image: "two.exe", label: "Two" }],
  });
  stream.configured();
  const { today } = stream.status();
  assert.equal(today.allowance_min, 30);
  assert.equal(today.date, "2026-03-01");
  await stream.pollOnce();
  assert.deepEqual(
    (rowsOf(store, "game_slots") as { label: string }[]).map(({ label }) => label),
    ["Two", "one.exe"],
  );
});

Deno.test("Heartbeats to an endpoint carry minutes_left where that is asked for, others do not", async () => {
  for (
    const [given, sent] of [
      [{ endpoint_url: "https://example.com/" }, undefined],
      [{ endpoint_fields: ["minutes_left"] }, undefined],
      [{ endpoint_url: "https://example.com/", endpoint_fields: ["minutes_left"] }, 60 - 5 / 60],
      [
        {
          endpoint_url: "https://example.com/",
          endpoint_fields: ["minutes_left"],
          daily_allowance_min: null,
        },
        null,
      ],
    ] as const
  ) {
    using fixture = playtimeFixture({ daily_allowance_min: 60, ...given });
    fixture.game = "Minecraft.exe";
    await fixture.stream.pollOnce();
    const [row] = fixture.stream.outbox.pending(10).rows;
    assert.equal(row?.["minutes_left"], sent, JSON.stringify(given));
  }
});
