/** @module */
import assert from "node:assert/strict";
import { Relay } from "../relay.ts";

/** As a version left it that could not read this. */
async function left(relay: Relay, sn: string, protocol: string, raw: string): Promise<void> {
  await relay.store.write(() =>
    relay.store.db.prepare(
      `INSERT INTO device_quarantine (sha256, device_sn, protocol, reason, raw, file, received_at)
       VALUES (?, ?, ?, 'no usable time', ?, NULL, '2026-10-05T03:46:00.000Z')`,
    ).run(`${sn} ${raw}`, sn, protocol, raw)
  );
}

const retry = (relay: Relay, body: unknown) => relay.api("POST", "/quarantine/retry", { body });
const raws = (relay: Relay) =>
  relay.rows("SELECT raw FROM device_quarantine ORDER BY seq").map(({ raw }) => raw);

Deno.test("What can be read now leaves the quarantine as punches, once", async () => {
  await using relay = await Relay.start();
  await left(relay, "DEV1", "iclock", "1001\t2026-10-05 09:15:30\t0\t15");
  await left(
    relay,
    "DEV1",
    "iclock",
    "1002\t2026-10-05 09:15:31\t0\t15\n1003\t2026-10-05 09:15:32",
  );
  await left(relay, "DEV1", "iclock", "1004\t2026-10-05 09:15:33\nthis,is,no,punch");
  await left(relay, "DEV1", "aiface", '{"enrollid":7,"time":"2026-10-05 09:15:34","mode":8}');
  await left(relay, "DEV1", "aiface", '{"cmd":"sendlog","record":[,]}');
  await left(relay, "NEW1", "iclock", "1005\t2026-10-05 09:15:35\t0\t15");
  assert.deepEqual(await retry(relay, { all: true }), { understood: 3, left: 3 });
  assert.deepEqual(
    relay.punches().map(({ person_id, received_at }) => [person_id, received_at]).sort(),
    [
      ["1001", "2026-10-05T03:46:00.000Z"],
      ["1002", "2026-10-05T03:46:00.000Z"],
      ["1003", "2026-10-05T03:46:00.000Z"],
      ["7", "2026-10-05T03:46:00.000Z"],
    ],
  );
  assert.equal(raws(relay).length, 3);
  await relay.iclock().post("ATTLOG", "1001\t2026-10-05 09:15:30\t0\t15\n");
  assert.equal(relay.count("device_logs"), 4, "sent again, it is the same punch");
  assert.deepEqual(await retry(relay, { all: true }), { understood: 0, left: 3 });
});

Deno.test("Entries are read again by their ids, and what is not stored stays", async () => {
  await using relay = await Relay.start();
  for (const second of [10, 11, 12]) {
    await left(relay, "DEV1", "iclock", `1\t2026-10-05 09:15:${second}\t0\t15`);
  }
  const [first, second] = relay.rows("SELECT seq FROM device_quarantine").map(({ seq }) => seq);
  relay.break();
  await assert.rejects(retry(relay, { ids: [first] }), /broken/);
  assert.equal(raws(relay).length, 3);
  relay.mend();
  assert.deepEqual(await retry(relay, { ids: [second, second, 999] }), { understood: 1, left: 0 });
  assert.deepEqual(relay.punches().map(({ device_time }) => device_time), ["2026-10-05 09:15:11"]);
});

Deno.test("Many entries are read again without holding the event loop", async () => {
  await using relay = await Relay.start();
  await relay.store.write(() => {
    const insert = relay.store.db.prepare(
      `INSERT INTO device_quarantine (sha256, device_sn, protocol, reason, raw, file, received_at)
       VALUES (?, 'DEV1', 'iclock', 'no usable time', ?, NULL, '2026-10-05T03:46:00.000Z')`,
    );
    for (let n = 0; n < 1_050; n++) insert.run(`${n}`, `${n}\t2026-10-05 09:15:30\t0\t15`);
  });
  assert.deepEqual(await retry(relay, { all: true }), { understood: 1_050, left: 0 });
  assert.equal(relay.count("device_logs"), 1_050);
});

Deno.test("What was not understood is told of for a week, and until it is", async () => {
  await using relay = await Relay.start();
  const told = () =>
    relay.warnings.list().find(({ code }) => code === "attendance.not-understood")?.message;
  const gauge = () =>
    relay.stream.gauges!().find(({ name }) => name === "attendance_quarantine_entries")?.value;
  await relay.iclock().post("ATTLOG", "this,is,no,punch\nnor,this\n");
  await relay.skip(11_000);
  assert.match(
    told() ?? "",
    /^2 things that devices sent .* from DEV1: no usable (PIN|time)\..*quarantine list/,
  );
  assert.equal(gauge(), 2);
  relay.clock.set(relay.clock.now() + 8 * 86_400_000);
  await relay.skip(11_000);
  assert.equal(told(), undefined);

  await left(relay, "DEV1", "iclock", "1001\t2026-10-05 09:15:30\t0\t15");
  await relay.store.write(() =>
    relay.rows("UPDATE device_quarantine SET received_at = '2026-10-13T00:00:00.000Z'")
  );
  await relay.store.write(() =>
    relay.rows("DELETE FROM device_quarantine WHERE raw LIKE '%this%'")
  );
  await relay.skip(11_000);
  assert.match(told() ?? "", /^A thing that devices sent/);
  await retry(relay, { all: true });
  assert.equal(told(), undefined);
  assert.equal(gauge(), 0);
});
