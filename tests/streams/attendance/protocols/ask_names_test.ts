/** Devices asked for the names that they know people by. */
import assert from "node:assert/strict";
import { tempDir } from "../../../support/temp.ts";
import { until } from "../../../support/until.ts";
import { type Conversation, Relay } from "../relay.ts";

const DAY_MS = 24 * 60 * 60_000;
const config = { pull_interval_min: 0, silent_after_min: 0 };
const LIST = { cmd: "getuserlist", stn: true };

async function names(relay: Relay): Promise<Record<string, string | null>> {
  const people = await relay.api("GET", "/people", { query: { limit: 100 } });
  return Object.fromEntries(
    (people as { person_id: string; name: string | null }[])
      .map(({ person_id, name }) => [person_id, name]),
  );
}

/** Time passes in which an iclock device polls; the answer to its last poll. */
async function pollFor(relay: Relay, ms: number): Promise<string> {
  const device = relay.iclock();
  let body = (await device.poll()).body;
  for (let left = ms; left > 0; left -= 30_000) {
    await relay.skip(30_000);
    body = (await device.poll()).body;
  }
  return body;
}

/** Two minutes pass, in which an AiFace device stays connected. */
async function stay(relay: Relay, device: Conversation): Promise<void> {
  for (let round = 0; round < 8; round++) {
    await relay.skip(14_000);
    assert.ok(await device.silence());
  }
  await relay.advance(10_000);
}

/** The device answers what it is asked, in order; the questions must be these. */
async function converse(
  relay: Relay,
  device: Conversation,
  steps: readonly [question: unknown, answer: Record<string, unknown>][],
): Promise<void> {
  for (const [question, answer] of steps) {
    await relay.advance(1_000);
    assert.deepEqual(await device.hear(), question);
    await device.say({ sn: "DEV1", ...answer });
    assert.ok(await device.silence());
  }
}

Deno.test("An iclock device is asked for its users two minutes after it connects, then once a day", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  {
    await using relay = await Relay.start({ config, path });
    assert.equal(await pollFor(relay, 90_000), "OK");
    assert.equal(await pollFor(relay, 30_000), "C:1:DATA QUERY USERINFO\n");
    const device = relay.iclock();
    const users = "USER PIN=7\tName=Ann\tPri=0\tPasswd=4711\tCard=99887766\n";
    assert.equal((await device.post("OPERLOG", users)).body, "OK: 1");
    await device.done("ID=1&Return=0&CMD=DATA\n");
    assert.deepEqual(await names(relay), { "7": "Ann" });
    assert.equal(await pollFor(relay, 600_000), "OK");
    await relay.advance(10_000);
  }
  await using relay = await Relay.start({ config, path });
  relay.clock.set("2026-10-05T12:00:00.000Z");
  assert.equal(await pollFor(relay, 120_000), "OK");
  relay.clock.set("2026-10-06T03:52:00.000Z");
  assert.match((await relay.iclock().poll()).body, /^C:\d+:DATA QUERY USERINFO\n$/);
});

Deno.test("An iclock device that refuses to list its users, or does not answer, is asked the next day", async () => {
  for (const answer of ["ID=1&Return=-1004&CMD=DATA\n", undefined]) {
    await using relay = await Relay.start({ config });
    assert.match(await pollFor(relay, 120_000), /USERINFO/);
    if (answer) await relay.iclock().done(answer);
    assert.equal(await pollFor(relay, 900_000), "OK");
    await relay.skip(DAY_MS);
    assert.match(await pollFor(relay, 120_000), /USERINFO/);
  }
});

Deno.test("What a person asks of an iclock device goes first", async () => {
  await using relay = await Relay.start({ config });
  await pollFor(relay, 90_000);
  await relay.skip(30_000);
  const body = { command: "set_clock" };
  await relay.api("POST", "/devices/{sn}/commands", { params: { sn: "DEV1" }, body });
  assert.equal((await relay.iclock().poll()).body, "C:1:CHECK\n");
});

Deno.test("An AiFace device is asked which ids it holds, then for the names that are not known", async () => {
  await using relay = await Relay.start({ config });
  const device = await relay.registered();
  const time = "2026-10-05 09:15:30";
  await device.ask({ cmd: "sendlog", sn: "DEV1", record: [{ enrollid: 7, name: "Ann", time }] });
  await stay(relay, device);
  const page = (...ids: unknown[]) => ({
    ret: "getuserlist",
    result: true,
    count: ids.length,
    record: ids.map((enrollid) => ({ enrollid, admin: 0, backupnum: 0 })),
  });
  const name = (record: string) => ({ ret: "getusername", result: true, record });
  const ask = (enrollid: unknown) => ({ cmd: "getusername", enrollid });
  await converse(relay, device, [
    [LIST, page(7, 8, 8, 99999999)],
    [{ cmd: "getuserlist", stn: false }, page("009", 8)],
    [{ cmd: "getuserlist", stn: false }, page()],
    [ask(8), name("Bo")],
    [ask("009"), name("张伟")],
  ]);
  await until(async () => (await names(relay))["009"] !== undefined, "the last name is stored");
  assert.deepEqual(await names(relay), { "7": "Ann", "8": "Bo", "009": "张伟" });
  await relay.advance(30_000);
  assert.ok(await device.silence());
  // Another connection of the same day is left alone.
  const again = await relay.registered();
  await stay(relay, again);
  assert.ok(await again.silence());
});

Deno.test("An AiFace device that sends the same page for ever, refuses or is silent is left alone until the next day", async () => {
  const page = { ret: "getuserlist", result: true, count: 1, record: [{ enrollid: 8 }] };
  const more = { cmd: "getuserlist", stn: false };
  const refusal = { ret: "getusername", result: false, reason: 1 };
  const single = {
    ret: "getuserlist",
    result: true,
    record: [1, 2, 3, 4].map((enrollid) => ({ enrollid })),
  };
  for (
    const steps of [
      [[LIST, page], [more, page], [{ cmd: "getusername", enrollid: 8 }, refusal]],
      [[LIST, { ret: "getuserlist", result: false, reason: 1 }]],
      [
        [LIST, single],
        [more, { ...single, record: [] }],
        ...[1, 2, 3].map((enrollid) => [{ cmd: "getusername", enrollid }, refusal]),
      ],
      [[LIST, { cmd: "checklive" }]],
    ] as [unknown, Record<string, unknown>][][]
  ) {
    await using relay = await Relay.start({ config });
    const device = await relay.registered();
    await stay(relay, device);
    for (const [question, answer] of steps) {
      await relay.advance(1_000);
      assert.deepEqual(await device.hear(), question);
      await device.say({ sn: "DEV1", ...answer });
      if (answer.cmd) await device.hear();
      assert.ok(await device.silence());
    }
    await relay.advance(25_000);
    assert.ok(await device.silence());
    // Punches are asked for and sent as before.
    const record = [{ enrollid: 8, time: "2026-10-05 09:15:30" }];
    assert.equal((await device.ask({ cmd: "sendlog", record }))?.result, true);
  }
});
