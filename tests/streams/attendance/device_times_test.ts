/** A time that no calendar has, or that cannot be, stops nothing that is behind it. @module */
import assert from "node:assert/strict";
import { Relay } from "./relay.ts";

const GOOD = "2026-10-05 09:15:30";

/** Kept as punches, and marked. */
const SUSPECT = [
  "1970-01-01 00:00:00",
  "2000-01-01 00:00:05",
  "2026-10-06 09:15:30",
  "2106-02-07 06:28:15",
  "9997-12-31 23:59:59",
  "9999999999999",
];
/** Kept in the quarantine. */
const UNUSABLE = [
  "",
  "0000-00-00 00:00:00",
  "0000-01-01 00:00:00",
  "0001-01-01 00:00:00",
  "2026-02-30 09:15:30",
  "2026-13-45 25:61:61",
  "2026-10-05 23:59:60",
  "9998-01-01 00:00:00",
  "9999-12-31 23:59:59",
  "+275760-09-13 00:00:00",
  "99999-01-01 00:00:00",
  "-1",
  "1e308",
  "NaN",
  "null",
  "２０２６-10-05 09:15:30",
  "2026-10-05 09:15:30\u0000; DROP TABLE device_logs",
  "9".repeat(400),
];
const TIMES = [...SUSPECT, ...UNUSABLE];

/** What was stored can be told: of one form, in the order of the text, and all of it for the cloud. */
async function assertStored(relay: Relay): Promise<void> {
  const punches = relay.punches();
  assert.equal(punches.length, SUSPECT.length + 1);
  assert(punches.every(({ punched_at }) => /^\d{4}-\d\d-\d\dT/.test(String(punched_at))));
  assert.deepEqual(
    punches.filter(({ time_suspect }) => time_suspect === 0).map(({ device_time }) => device_time),
    [GOOD],
  );
  assert.equal(relay.stream.outbox!.pending(500).rows.length, punches.length);
  const listed = await relay.api("GET", "/punches", { query: { limit: 200 } });
  assert.equal((listed as unknown[]).length, punches.length);
}

for (const time_zone of ["Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"]) {
  Deno.test(`iclock acknowledges and keeps lines of any time in ${time_zone}, and the good one behind`, async () => {
    await using relay = await Relay.start({ config: { time_zone } });
    relay.clock.set("2026-10-05T14:00:00.000Z");
    const device = relay.iclock();
    const lines = [...TIMES, GOOD].map((time, index) => `${index + 1}\t${time}\t0\t15\n`);
    const reply = await device.post("ATTLOG", lines.join(""), { stamp: "100" });
    assert.equal(reply.body, `OK: ${lines.length}`);
    await assertStored(relay);
    assert.equal(relay.count("device_quarantine"), UNUSABLE.length);
    assert.match((await device.handshake()).body, /^ATTLOGStamp=100$/m);
  });

  Deno.test(`AiFace acknowledges and keeps records of any time in ${time_zone}, and the good one behind`, async () => {
    await using relay = await Relay.start({ config: { time_zone, pull_interval_min: 0 } });
    relay.clock.set("2026-10-05T14:00:00.000Z");
    const device = await relay.registered();
    const values: unknown[] = [...TIMES, null, 0, -1, {}, [], true, 1e308, GOOD];
    const record = values.map((time, index) => ({ enrollid: index + 1, time }));
    const message = { cmd: "sendlog", sn: "DEV1", count: record.length, logindex: 1, record };
    const answer = await device.ask(message);
    assert.deepEqual([answer?.result, answer?.count], [true, record.length]);
    await assertStored(relay);
    assert.equal(relay.count("device_quarantine"), UNUSABLE.length + 7);
    // The same with fewer than announced: what is asked for then has days of a calendar.
    await device.say({ ...message, count: 100 });
    assert.equal((await device.ask({ ...message, count: 100 }))?.count, 100);
    await relay.advance(1_000);
    const asked = await device.hear();
    assert.equal(asked?.cmd, "getalllog");
    for (const day of [asked?.from, asked?.to]) assert.match(String(day), /^\d{4}-\d\d-\d\d$/);
    assert(await device.silence());
  });
}
