/** Commands while no agent runs: they open the database themselves. @module */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { dayAt, daysBetween } from "../../../src/core/mod.ts";
import { describeToday } from "../../../src/cli/commands/status.ts";
import { cliFolder } from "../../support/process/cli.ts";

const NO_GAME = { process_name: "no such game" };

const asking: readonly string[][] = [
  ["status"],
  ["today"],
  ["export"],
  ["sync", "status"],
  ["sync", "now"],
  ["sync", "reset"],
  ["rejected", "list"],
  ["rejected", "retry", "--all"],
  ["recompute"],
];

for (const args of asking) {
  Deno.test(`${args.join(" ")} makes no database where there is none`, async () => {
    using folder = cliFolder(NO_GAME);
    const { code, out, err } = await folder.cli(...args);
    assert.equal(code, 1);
    assert.equal(out, "");
    assert.match(err, /^Cannot open ".*": there is no database yet\. Start the agent with .*\n$/);
    assert.deepEqual(folder.files(), ["config.json"]);
  });
}

Deno.test("status says that nothing runs, and what was last seen", async () => {
  using folder = cliFolder({ ...NO_GAME, daily_allowance_min: 60 });
  await folder.cli("--once");
  const { code, out } = await folder.cli("status");
  assert.equal(code, 0);
  assert.match(out, /^ClockBlock \S+ is not running\n/);
  assert.match(out, /Playing {3}last looked \d+ s ago\n/);
  assert.match(out, /Today {5}0 s of 1 h 00 min, 1 h 00 min left\n/);
  assert.match(out, /Cloud {5}none configured\n/);
  const { out: json } = await folder.cli("status", "--json");
  const status = JSON.parse(json);
  assert.equal(status.running, false);
  assert.equal(status.today.allowance_min, 60);
});

Deno.test("today says how long it was played", async () => {
  using folder = cliFolder(NO_GAME);
  await folder.cli("--once");
  assert.equal((await folder.cli("today")).out, "Played today: 0 s, no limit\n");
  assert.equal(JSON.parse((await folder.cli("today", "--json")).out).minutes_used, 0);
});

const days: readonly [
  allowance: number | null,
  minutes: number,
  said: string,
  granted?: number,
  weekly?: number,
][] = [
  [null, 0.5, "30 s, no limit"],
  [0, 0, "0 s, no play today"],
  [0, 5, "5 min over, no play today"],
  [60, 0.25, "15 s of 1 h 00 min, 59 min left"],
  [60, 59.5, "59 min of 1 h 00 min, 30 s left"],
  [60, 60.5, "1 h 00 min of 1 h 00 min, 30 s over"],
  [60, 5, "5 min of 1 h 30 min (30 min granted), 1 h 25 min left", 30],
  [60, 65, "1 h 05 min of 45 min (15 min taken), 20 min over", -15],
  [0, 5, "5 min of 30 min (30 min granted), 25 min left", 30],
  [null, 5, "5 min, no limit; this week 5 min of 10 min, 5 min left", 0, 10],
];

for (const [allowance_min, minutes_used, said, granted_min = 0, weekly = null] of days) {
  Deno.test(`today says "${said}"`, () => {
    const week = {
      from: "2026-03-02",
      to: "2026-03-08",
      allowance_min: weekly,
      granted_min,
      used_min: minutes_used,
      left_min: null,
    };
    const today = { minutes_used, allowance_min, granted_min, week };
    assert.equal(describeToday(today, (_color, text) => text), said);
  });
}

Deno.test("today says that a weekday which is not named allows no play", async () => {
  using folder = cliFolder({ ...NO_GAME, daily_allowance_min: {} });
  await folder.cli("--once");
  assert.equal((await folder.cli("today")).out, "Played today: 0 s, no play today\n");
});

Deno.test("allow grants minutes for a day, and today counts them", async () => {
  using folder = cliFolder({ ...NO_GAME, daily_allowance_min: 60, time_zone: "UTC" });
  await folder.cli("--once");
  const { out } = await folder.cli("allow", "30", "--reason", "rainy", "--by", "Mum");
  assert.match(out, /^30 min more on \d{4}-\d\d-\d\d: 1 h 30 min left\n$/);
  assert.match((await folder.cli("allow", "-45.5")).out, /^45 min less on .*: 44 min left\n$/);
  assert.equal(
    (await folder.cli("today")).out,
    "Played today: 0 s of 44 min (15 min taken), 44 min left\n",
  );
  const grant = JSON.parse((await folder.cli("allow", "15", "--json")).out);
  assert.equal(grant.extra_min, 15);
  for (
    const [args, message] of [
      [["allow"], /minutes/],
      [["allow", "half an hour"], /Cannot grant "half an hour": expected minutes/],
      [["allow", "1000000"], /expected minutes from -1440 to 1440/],
      [["allow", "30", "--date", "1990-01-01"], /expected a day from/],
    ] as const
  ) {
    const { code, err } = await folder.cli(...args);
    assert.equal(code, 2, err);
    assert.match(err, message);
  }
});

Deno.test("export prints every heartbeat as CSV and as JSON", async () => {
  using folder = cliFolder(NO_GAME);
  for (let look = 0; look < 3; look++) await folder.cli("--once");
  const { out: csv } = await folder.cli("export");
  const [head, ...rows] = csv.trimEnd().split("\r\n");
  assert.equal(
    head,
    "id,device_id,timestamp_utc,is_playing,poll_interval_sec,process_name,synced_at",
  );
  assert.equal(rows.length, 3);
  const heartbeats = JSON.parse((await folder.cli("export", "--format", "json")).out);
  assert.deepEqual(
    heartbeats.map(({ id }: { id: string }) => id),
    rows.map((row) => row.split(",")[0]),
  );
});

Deno.test("export keeps to the days it is given", async () => {
  using folder = cliFolder({ ...NO_GAME, time_zone: "Pacific/Kiritimati" });
  await folder.cli("--once");
  const ofDay = async (...args: string[]) =>
    JSON.parse((await folder.cli("export", "--format", "json", ...args)).out) as unknown[];
  assert.equal((await ofDay("--to", "2000-01-01")).length, 0);
  assert.equal((await ofDay("--from", "2000-01-01")).length, 1);
  assert.equal((await ofDay("--from", "2999-01-01")).length, 0);
  const days = await ofDay("--what", "days", "--from", "2024-02-28", "--to", "2024-03-01");
  assert.deepEqual(
    days.map((day) => (day as { date_utc: string }).date_utc),
    ["2024-02-28", "2024-02-29", "2024-03-01"],
  );
  const twoYears = await ofDay("--what", "days", "--from", "2024-01-01", "--to", "2025-12-31");
  assert.equal(twoYears.length, 731);
});

Deno.test("export --what games has each game of each day", async () => {
  using folder = cliFolder({ ...NO_GAME, time_zone: "Asia/Kathmandu" });
  await folder.cli("--once");
  const db = new DatabaseSync(`${folder.path}/clockblock.db`);
  const { device_id } = db.prepare("SELECT device_id FROM heartbeats").get()!;
  const insert = db.prepare("INSERT INTO game_slots VALUES (?, ?, 'My game', 'game.exe', 5)");
  for (const time of ["18:00", "18:15"]) insert.run(device_id!, `2024-05-05T${time}:00.000Z`);
  db.close();
  const range = ["--from", "2024-05-05", "--to", "2024-05-06"];
  assert.equal(
    (await folder.cli("export", "--what", "games", ...range)).out,
    "date,label,process_name,minutes_used\r\n" +
      "2024-05-05,My game,game.exe,5\r\n2024-05-06,My game,game.exe,5\r\n",
  );
});

for (const time_zone of ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"]) {
  Deno.test(`export --what days begins with the first day there is, in ${time_zone}`, async () => {
    using folder = cliFolder({ ...NO_GAME, time_zone });
    await folder.cli("--once");
    const today = dayAt(Date.now(), time_zone);
    const days = async () => {
      const { out } = await folder.cli("export", "--what", "days", "--format", "json");
      return (JSON.parse(out) as { date_utc: string }[]).map(({ date_utc }) => date_utc);
    };
    assert.deepEqual(await days(), [today]);
    // An evening in Pago Pago, where it is the day before.
    const db = new DatabaseSync(`${folder.path}/clockblock.db`);
    const { device_id } = db.prepare("SELECT device_id FROM heartbeats").get()!;
    db.prepare("INSERT INTO usage_slots VALUES (?, '2024-05-05T04:00:00.000Z', 5)").run(device_id!);
    db.prepare(
      `INSERT INTO daily_rollups VALUES (?, '2024-05-05', 5, 0, NULL, '2024-05-05T04:05:00.000Z',
         '2024-05-05T04:05:00.000Z')`,
    ).run(device_id!);
    db.close();
    const all = await days();
    assert.equal(all[0], time_zone === "Pacific/Pago_Pago" ? "2024-05-04" : "2024-05-05");
    assert.equal(all.at(-1), today);
    assert.equal(new Set(all).size, all.length);
    assert.equal(all.length, daysBetween(all[0]!, today) + 1);
  });
}

Deno.test("export refuses days that are none", async () => {
  using folder = cliFolder(NO_GAME);
  const wrong = await folder.cli("export", "--from", "2026-02-30");
  assert.equal(wrong.code, 2);
  assert.equal(wrong.err, 'Cannot use --from: "2026-02-30" is not a day, expected YYYY-MM-DD\n');
  const around = await folder.cli("export", "--from", "2026-03-02", "--to", "2026-03-01");
  assert.equal(around.code, 2);
  assert.match(around.err, /the first day is after the last/);
});

Deno.test("recompute says what it did", async () => {
  using folder = cliFolder(NO_GAME);
  await folder.cli("--once");
  assert.equal((await folder.cli("recompute")).out, "1 day recomputed, 0 changed\n");
});

Deno.test("sync now says that there is nowhere to send to", async () => {
  using folder = cliFolder(NO_GAME);
  await folder.cli("--once");
  const { code, err } = await folder.cli("sync", "now");
  assert.equal(code, 1);
  assert.match(err, /No cloud is configured: set endpoint_url or supabase/);
});

Deno.test("Commands leave the stack of what failed in the log, for those who debug", async () => {
  using folder = cliFolder(NO_GAME);
  await folder.cli("--once");
  const { err } = await folder.cli("rejected", "retry", "no-such-id", "--log-level", "debug");
  assert.equal(err.trimEnd().split("\n").length, 1);
  const log = Deno.readTextFileSync(`${folder.path}/logs/clockblock.log`);
  assert.match(log, /"stack":"UsageError: No rejected row/);
});

Deno.test("Commands refuse a stream that does not exist", async () => {
  using folder = cliFolder(NO_GAME);
  await folder.cli("--once");
  for (const args of [["sync", "reset"], ["rejected", "list"]]) {
    const { code, err } = await folder.cli(...args, "--stream", "playtim");
    assert.equal(code, 2);
    assert.match(err, /"stream": expected one of playtime, /);
  }
});
