import assert from "node:assert/strict";
import { instantOf, msOf } from "../../../src/core/mod.ts";
import { testApi } from "../../support/api.ts";
import { type PlaytimeFixture, playtimeFixture } from "./playtime_fixture.ts";

/** The stream behind the real API, which checks every answer against the route's schema. */
function served(options: Parameters<typeof playtimeFixture>[0] = {}) {
  const cleanup = new DisposableStack();
  const fixture = cleanup.use(playtimeFixture(options));
  const { store, hub, warnings, clock, stream } = fixture;
  const api = cleanup.use(testApi({ store, hub, warnings, clock, streams: [stream] }));
  const get = async (path: string) => {
    const response = await api.ask(path);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  return { fixture, api, get, [Symbol.dispose]: () => cleanup.dispose() };
}

async function play({ stream, clock }: PlaytimeFixture, polls: number): Promise<void> {
  for (let n = 0; n < polls; n++) {
    await stream.pollOnce();
    await clock.advance(5_000);
  }
}

const NONE = {
  device_id: "pc-1",
  time_zone: "UTC",
  minutes_used: 0,
  minutes_overdraft: 0,
  allowance_min: null,
  last_heartbeat_at: null,
  updated_at: null,
};

/** A day by both of its names: `date_utc` is that of earlier versions. */
const dayNamed = (date: string) => ({ date, date_utc: date });

Deno.test("GET /daily is today's rollup, and zeros for a day without data", async () => {
  using test = served();
  assert.deepEqual((await test.get("/daily")).body, { ...NONE, ...dayNamed("2026-03-02") });
  test.fixture.game = "Minecraft.exe";
  await play(test.fixture, 12);
  assert.deepEqual((await test.get("/daily")).body, {
    device_id: "pc-1",
    ...dayNamed("2026-03-02"),
    time_zone: "UTC",
    minutes_used: 1,
    minutes_overdraft: 0,
    allowance_min: null,
    last_heartbeat_at: "2026-03-02T12:00:55.000Z",
    updated_at: "2026-03-02T12:00:55.000Z",
  });
  assert.deepEqual((await test.get("/daily?date=2026-03-01")).body, {
    ...NONE,
    ...dayNamed("2026-03-01"),
  });
});

Deno.test("A query's `_`, which pages that poll send against caches, means nothing", async () => {
  using test = served();
  for (const path of ["/daily", "/days", "/slots", "/status", "/healthz", "/history?limit=1"]) {
    const busted = await test.get(`${path}${path.includes("?") ? "&" : "?"}_=1767225600000`);
    assert.equal(busted.status, 200, path);
  }
  assert.equal((await test.get("/daily?_=1&day=2026-03-02")).status, 400);
});

Deno.test("GET /daily?tz= is that zone's day", async () => {
  using test = served({ start: "2026-03-02T18:29:30.000Z", daily_allowance_min: { tue: 10 } });
  test.fixture.game = "Minecraft.exe";
  await play(test.fixture, 18);
  const { body: today } = await test.get("/daily?tz=Asia/Kolkata");
  assert.equal(today.date, "2026-03-03");
  assert.equal(today.minutes_used, 1);
  assert.equal(today.allowance_min, 10);
  assert.equal(today.time_zone, "Asia/Kolkata");
  const { body: before } = await test.get("/daily?tz=Asia/Kolkata&date=2026-03-02");
  assert.equal(before.minutes_used, 0.5);
  assert.equal((await test.get("/daily?tz=UTC")).body.minutes_used, 1.5);
});

Deno.test("GET /days is one entry a day, 30 days by default", async () => {
  using test = served();
  test.fixture.game = "Minecraft.exe";
  await play(test.fixture, 12);
  const { body } = await test.get("/days");
  assert.equal(body.length, 30);
  assert.deepEqual(body[0], { ...NONE, ...dayNamed("2026-02-01") });
  assert.equal(body[29].minutes_used, 1);
  const some = await test.get("/days?from=2026-03-01&to=2026-03-03&tz=Europe/Berlin");
  assert.deepEqual(
    some.body.map((day: typeof NONE & { date: string }) => [day.date, day.minutes_used]),
    [["2026-03-01", 0], ["2026-03-02", 1], ["2026-03-03", 0]],
  );
  assert.equal(
    (await test.get("/days?from=2025-03-02&to=2026-03-02&tz=Asia/Tokyo")).body.length,
    366,
  );
  assert.equal(
    (await test.get("/days?from=9999-12-30&to=9999-12-31&tz=Asia/Tokyo")).body.length,
    2,
  );
});

Deno.test("A weekday that is not named allows nothing: all of its play is overdraft, in every zone", async () => {
  // A Monday.
  using test = served({ daily_allowance_min: { tue: 10 } });
  test.fixture.game = "Minecraft.exe";
  await play(test.fixture, 12);
  for (const tz of ["UTC", "Europe/Berlin"]) {
    const { body: day } = await test.get(`/daily?tz=${tz}`);
    assert.deepEqual([day.allowance_min, day.minutes_used, day.minutes_overdraft], [0, 1, 1]);
    const { body: days } = await test.get(`/days?from=2026-03-01&to=2026-03-03&tz=${tz}`);
    assert.deepEqual(
      days.map((day: typeof NONE) => [day.allowance_min, day.minutes_overdraft]),
      [[0, 0], [0, 1], [10, 0]],
    );
  }
});

Deno.test("Without an allowance there is no limit and no overdraft, in every zone and after a recompute", async () => {
  using test = served();
  const { fixture } = test;
  fixture.game = "Minecraft.exe";
  await play(fixture, 12);
  await fixture.stream.recompute();
  for (const tz of ["UTC", "Europe/Berlin"]) {
    const { body: days } = await test.get(`/days?from=2026-03-01&to=2026-03-02&tz=${tz}`);
    assert.deepEqual(
      days.map((day: typeof NONE) => [day.allowance_min, day.minutes_used, day.minutes_overdraft]),
      [[null, 0, 0], [null, 1, 0]],
    );
  }
  const { today } = fixture.stream.status();
  assert.deepEqual([today.allowance_min, today.minutes_left, today.minutes_overdraft], [
    null,
    null,
    0,
  ]);
});

Deno.test("GET /slots is the quarters of an hour with play", async () => {
  using test = served({ start: "2026-03-02T12:14:30.000Z" });
  test.fixture.game = "Minecraft.exe";
  await play(test.fixture, 12);
  const slots = [
    { device_id: "pc-1", slot_utc: "2026-03-02T12:00:00.000Z", minutes_used: 0.5 },
    { device_id: "pc-1", slot_utc: "2026-03-02T12:15:00.000Z", minutes_used: 0.5 },
  ];
  assert.deepEqual((await test.get("/slots")).body, slots);
  assert.deepEqual((await test.get("/slots?from=2026-03-01&to=2026-03-02")).body, slots);
  assert.deepEqual((await test.get("/slots?from=2026-03-03&to=2026-03-04")).body, []);
  const span = "/slots?from=2026-03-02T12:15:00Z&to=2026-03-02T14:30:00%2B02:00";
  assert.deepEqual((await test.get(span)).body, slots.slice(1));
});

Deno.test("GET /history is newest first, and its pages follow each other without gap or repeat", async () => {
  using test = served();
  const { fixture, get } = test;
  fixture.game = "Minecraft.exe";
  await play(fixture, 5);
  const { body: all, headers } = await get("/history");
  assert.equal(headers.get("link"), null);
  assert.deepEqual(
    all.map(({ timestamp_utc }: { timestamp_utc: string }) => timestamp_utc.slice(17, 19)),
    ["20", "15", "10", "05", "00"],
  );
  assert.deepEqual(all[0], {
    id: all[0].id,
    device_id: "pc-1",
    timestamp_utc: "2026-03-02T12:00:20.000Z",
    is_playing: true,
    poll_interval_sec: 5,
    process_name: "Minecraft.exe",
    synced_at: null,
  });
  const paged: unknown[] = [];
  let next: string | undefined = "/history?limit=2";
  while (next) {
    const { body, headers } = await get(next);
    paged.push(...body);
    // Newer ones do not move the pages.
    await play(fixture, 1);
    next = /^<(.*)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
  }
  assert.deepEqual(paged, all);
});

Deno.test("GET /history takes a time for before, as its rows have it", async () => {
  using test = served();
  const { fixture, get } = test;
  await play(fixture, 5);
  const { body: all } = await get("/history");
  const { body: first } = await get("/history?limit=2");
  const { body: second } = await get(`/history?limit=2&before=${first[1].timestamp_utc}`);
  assert.deepEqual([...first, ...second], all.slice(0, 4));
  const between = await get("/history?before=2026-03-02T12:00:14.999Z&limit=1");
  assert.deepEqual(between.body, [all[2]]);
  assert.equal(between.headers.get("link"), '</history?before=3&limit=1>; rel="next"');
  assert.deepEqual((await get("/history?before=2026-03-02T14:00:05%2B02:00")).body, [all[4]]);
  assert.deepEqual((await get("/history?before=2030-01-01T00:00:00Z")).body, all);
  assert.deepEqual((await get("/history?before=2020-01-01T00:00:00Z")).body, []);
});

Deno.test("GET /history with a time for before is empty where nothing was recorded yet", async () => {
  using test = served();
  assert.deepEqual((await test.get("/history?before=2026-03-02T12:00:00Z")).body, []);
});

Deno.test("GET /history gives 5000 at once", async () => {
  using test = served();
  const { store } = test.fixture;
  await store.write(() => {
    const add = store.db.prepare(
      `INSERT INTO heartbeats (id, device_id, timestamp_utc, is_playing, poll_interval_sec)
       VALUES (?, 'pc-1', ?, 0, 5)`,
    );
    for (let n = 0; n < 5_001; n++) add.run(`h${n}`, instantOf(msOf("2026-03-01") + n * 5_000));
  });
  const { body, headers } = await test.get("/history?limit=5000");
  assert.equal(body.length, 5_000);
  assert.equal(body[4_999].id, "h1");
  assert.equal(headers.get("link"), '</history?limit=5000&before=2>; rel="next"');
  assert.deepEqual((await test.get("/history?limit=5000&before=2")).body.length, 1);
});

const REFUSED: readonly [path: string, parameter: string, allowed: RegExp][] = [
  ["/daily?date=yesterday", "date", /YYYY-MM-DD/],
  ["/daily?date=2026-02-30", "date", /YYYY-MM-DD/],
  ["/daily?date=2026-3-2", "date", /YYYY-MM-DD/],
  ["/daily?tz=Mars/Olympus", "tz", /Europe\/Berlin/],
  ["/daily?day=2026-03-02", "day", /known: date, tz/],
  ["/days?from=2026-03-05&to=2026-03-01", "from", /not after "to"/],
  ["/days?from=2025-03-01&to=2026-03-02", "from", /within 366 days.*2025-03-02 or later/],
  ["/days?from=2026-03-05T00:00:00Z", "from", /YYYY-MM-DD/],
  ["/slots?from=2026-01-01&to=2026-03-02", "from", /within 31 days/],
  ["/slots?from=2026-03-03&to=2026-03-01", "from", /not after "to"/],
  ["/slots?from=noon", "from", /YYYY-MM-DD or a time/],
  ["/slots?to=2026-03-02T12:00:00", "to", /YYYY-MM-DD or a time/],
  ["/history?limit=0", "limit", /from 1 to 5000/],
  ["/history?limit=5001", "limit", /from 1 to 5000/],
  ["/history?limit=1e3", "limit", /from 1 to 5000/],
  ["/history?limit=many", "limit", /from 1 to 5000/],
  ["/history?before=x", "before", /a time as .*, or the link to the next page/],
  ["/history?before=0", "before", /a time as .*, or the link to the next page/],
  ["/history?before=2026-02-30T00:00:00Z", "before", /a time as/],
];

for (const [path, parameter, allowed] of REFUSED) {
  Deno.test(`GET ${path} is refused, and told what is allowed`, async () => {
    using test = served();
    const { status, headers, body } = await test.get(path);
    assert.equal(status, 400);
    assert.match(headers.get("content-type") ?? "", /problem\+json/);
    assert.equal(body.parameter, parameter);
    assert.match(body.detail, allowed);
  });
}

Deno.test("POST /recompute mends the days and says how many", async () => {
  using test = served();
  test.fixture.game = "Minecraft.exe";
  await play(test.fixture, 12);
  test.fixture.store.db.exec("UPDATE daily_rollups SET minutes_used = 9");
  const response = await test.api.ask("/recompute", { method: "POST" });
  assert.deepEqual(await response.json(), { days: 1, changed: 1, incomplete: 0 });
  assert.equal((await test.get("/daily")).body.minutes_used, 1);
});

Deno.test("GET /status has what playtime knows", async () => {
  using test = served();
  test.fixture.game = "Minecraft.exe";
  await play(test.fixture, 1);
  const { body } = await test.get("/status");
  assert.equal(body.is_playing, true);
  assert.equal(body.last_seen, "2026-03-02T12:00:00.000Z");
  assert.equal(body.today.minutes_used, 5 / 60);
});

Deno.test("GET /metrics has whether the game runs, unless that is unknown, and today's minutes", async () => {
  using test = served();
  const numbers = async () =>
    Object.fromEntries(
      (await (await test.api.ask("/metrics")).text()).split("\n")
        .map((line) => /^clockblock_(playing|\w+_seconds_today) (\S+)$/.exec(line))
        .flatMap((found) => found ? [[found[1], Number(found[2])]] : []),
    );
  test.fixture.game = "Minecraft.exe";
  await play(test.fixture, 12);
  assert.deepEqual(await numbers(), {
    playing: 1,
    played_seconds_today: 60,
  });
  test.fixture.game = new Error("no list");
  await play(test.fixture, 1);
  assert(!("playing" in await numbers()));
});
