import assert from "node:assert/strict";
import type { AgentEvent } from "../../../../src/core/mod.ts";
import { crossed } from "../../../../src/streams/playtime/allowance/thresholds.ts";
import { type AllowanceServed, allowanceServed, play } from "./allowance_fixture.ts";

for (
  const [what, before, after, thresholds] of [
    ["nothing between two thresholds", 14, 6, []],
    ["one that is reached exactly", 15.1, 15, [15]],
    ["none that was reached before", 15, 14.9, []],
    ["all that are jumped over, in order", 20, -1, [15, 5, 0]],
    ["each quarter of an hour over", -14, -46, [-15, -30, -45]],
    ["all of a day's first balance", Infinity, 3, [15, 5]],
    ["nothing when a grant raises what is left", 3, 33, []],
  ] as const
) {
  Deno.test(`crossed gives ${what}`, () => {
    assert.deepEqual(crossed(before, after, [0, 15, 5, 15]), thresholds);
  });
}

/** A log that remembers keys, as the event log does. */
function served(options: Parameters<typeof allowanceServed>[0] = {}) {
  const logged: AgentEvent[] = [];
  const logEvent = (event: AgentEvent) => {
    if (logged.some(({ idempotency_key: key }) => key === event.idempotency_key)) return undefined;
    logged.push(event);
    return { ...event };
  };
  const test: AllowanceServed = allowanceServed({ daily_allowance_min: 20, ...options, logEvent });
  return {
    ...test,
    logged,
    keys: () => logged.map(({ idempotency_key: key }) => key.replace("allowance:pc-1:", "")),
    [Symbol.dispose]: () => test[Symbol.dispose](),
  };
}

Deno.test("Thresholds are logged as play crosses them, and then every 15 minutes over", async () => {
  using test = served();
  await play(test.fixture, 4);
  assert.deepEqual(test.keys(), []);
  await play(test.fixture, 50);
  assert.deepEqual(
    test.logged.map((
      { ts, subtype, severity, body },
    ) => [ts.slice(11, 16), subtype, severity, body]),
    [
      ["12:04", "MINUTES_LEFT", "info", "15 minutes left today"],
      ["12:14", "MINUTES_LEFT", "info", "5 minutes left today"],
      ["12:19", "USED_UP", "warning", "No minutes left today"],
      ["12:34", "OVER", "warning", "15 minutes over today"],
      ["12:49", "OVER", "warning", "30 minutes over today"],
    ],
  );
  assert.deepEqual(test.keys(), [
    "2026-03-02:15",
    "2026-03-02:5",
    "2026-03-02:0",
    "2026-03-02:over:15",
    "2026-03-02:over:30",
  ]);
  assert.deepEqual(test.logged[1]?.meta, {
    date: "2026-03-02",
    minutes_left: 5,
    minutes_used: 15,
    allowance_min: 20,
    granted_min: 0,
    limited_by: "day",
    threshold: 5,
  });
  assert.deepEqual(test.told(), test.logged.map((event) => ({ event })));
});

Deno.test("A grant that raises what is left lets no threshold fire a second time", async () => {
  using test = served();
  await play(test.fixture, 16);
  await test.grant({ extra_min: 30 });
  await play(test.fixture, 34);
  assert.deepEqual(test.keys(), ["2026-03-02:15", "2026-03-02:5", "2026-03-02:0"]);
  assert.equal(test.logged.at(-1)?.meta["granted_min"], 30);
});

Deno.test("Minutes that are taken away cross thresholds at once, in order", async () => {
  using test = served();
  await play(test.fixture, 2);
  await test.grant({ extra_min: -15 });
  assert.deepEqual(test.logged.map(({ body }) => body), [
    "3 minutes left today",
    "3 minutes left today",
  ]);
  // As many minutes over as were played, not as many as were taken.
  await test.grant({ extra_min: -1000 });
  await play(test.fixture, 14);
  assert.deepEqual(test.keys().slice(2), ["2026-03-02:0", "2026-03-02:over:15"]);
});

Deno.test("Nothing fires before something was played, on a day without play nothing at all", async () => {
  using test = served({ daily_allowance_min: 0 });
  await test.fixture.stream.pollOnce();
  await test.grant({ extra_min: -30 });
  assert.deepEqual(test.keys(), []);
  await play(test.fixture, 1);
  assert.deepEqual(test.keys(), ["2026-03-02:15", "2026-03-02:5", "2026-03-02:0"]);
});

Deno.test("A restart fires nothing again, and what a smaller allowance crosses", async () => {
  using test = served();
  await play(test.fixture, 6);
  const stop = new AbortController();
  const start = async (allowance: number) => {
    const running = test.fixture.restart({ daily_allowance_min: allowance }).run(stop.signal);
    await test.fixture.clock.advance(0);
    return running;
  };
  void start(20);
  await test.fixture.clock.advance(60_000);
  assert.deepEqual(test.keys(), ["2026-03-02:15"]);
  void start(10);
  await test.fixture.clock.advance(1_000);
  assert.deepEqual(test.keys(), ["2026-03-02:15", "2026-03-02:5"]);
  stop.abort();
  await test.fixture.clock.advance(0);
});

Deno.test("A clock that is set back to a day brings none of its thresholds again", async () => {
  using test = served();
  await play(test.fixture, 20);
  await test.fixture.clock.advance(24 * 3_600_000);
  await play(test.fixture, 6);
  test.fixture.clock.set("2026-03-02T18:00:00.000Z");
  await play(test.fixture, 15);
  assert.deepEqual(test.keys(), [
    "2026-03-02:15",
    "2026-03-02:5",
    "2026-03-02:0",
    "2026-03-03:15",
    "2026-03-02:over:15",
  ]);
});

Deno.test("The week's limit has thresholds too, each day", async () => {
  using test = served({ daily_allowance_min: null, weekly_allowance_min: 10 });
  await play(test.fixture, 6);
  assert.deepEqual(test.logged.map(({ body }) => body), [
    "9 minutes left this week",
    "5 minutes left this week",
  ]);
  await test.fixture.clock.advance(24 * 3_600_000);
  await play(test.fixture, 1);
  assert.deepEqual(test.keys().slice(2), ["2026-03-03:15", "2026-03-03:5"]);
});

Deno.test("Without thresholds nothing is logged", async () => {
  using test = served({ allowance_warn_min: [] });
  await play(test.fixture, 60);
  assert.deepEqual(test.keys(), []);
});

Deno.test("An event that cannot be logged leaves neither heartbeat nor threshold behind", async () => {
  let broken = true;
  const logged: string[] = [];
  using test = allowanceServed({
    daily_allowance_min: 0,
    allowance_warn_min: [0],
    logEvent(event) {
      if (broken) throw new Error("no log");
      logged.push(event.subtype);
      return { ...event };
    },
  });
  test.fixture.game = "Minecraft.exe";
  await assert.rejects(test.fixture.stream.pollOnce(), /no log/);
  assert.equal((await test.get("/allowance")).used_min, 0);
  broken = false;
  await play(test.fixture, 1);
  assert.equal((await test.get("/allowance")).used_min, 2);
  assert.deepEqual(logged, ["USED_UP"]);
});

Deno.test("A game with an allowance of its own has thresholds of its own", async () => {
  using test = served({
    process_name: [{ image: "Minecraft.exe", label: "Blocks", daily_allowance_min: 10 }],
  });
  await play(test.fixture, 11);
  assert.deepEqual(
    test.keys().toSorted(),
    [
      "2026-03-02:15",
      "2026-03-02:Blocks:15",
      "2026-03-02:Blocks:5",
      "2026-03-02:Blocks:0",
    ].toSorted(),
  );
  assert.deepEqual(
    test.logged.filter(({ symbol }) => symbol === "Blocks").map(({ body }) => body),
    [
      "Blocks: 9 minutes left today",
      "Blocks: 5 minutes left today",
      "Blocks: No minutes left today",
    ],
  );
});

Deno.test("A game's thresholds need no allowance of all play", async () => {
  using test = served({
    daily_allowance_min: null,
    process_name: [{ image: "Minecraft.exe", label: "Blocks", daily_allowance_min: 1 }],
  });
  await play(test.fixture, 2);
  assert.deepEqual(test.keys(), [
    "2026-03-02:Blocks:15",
    "2026-03-02:Blocks:5",
    "2026-03-02:Blocks:0",
  ]);
});
