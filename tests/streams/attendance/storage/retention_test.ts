import assert from "node:assert/strict";
import { instantOf, type PruneResult } from "../../../../src/core/mod.ts";
import { Relay } from "../relay.ts";
import { until } from "../../../support/until.ts";

const DAY_MS = 86_400_000;
const AT = Date.parse("2026-10-05T03:50:00Z");

/** Puts punches, events and quarantine entries of so many days ago into the database. */
async function age(relay: Relay, days: readonly number[]): Promise<void> {
  const { db } = relay.store;
  await relay.store.write(() => {
    for (const [index, day] of days.entries()) {
      const at = instantOf(AT - day * DAY_MS);
      db.prepare(
        `INSERT INTO device_logs (id, device_sn, person_id, device_time, time_zone, punched_at, received_at, raw)
         VALUES (?, 'DEV1', ?, '', 'UTC', ?, ?, '')`,
      ).run(`p${index}`, `${index}`, at, at);
      db.prepare(
        `INSERT INTO device_events (id, device_sn, kind, person_id, device_time, raw, received_at)
         VALUES (?, 'DEV1', 'x', '', '', '', ?)`,
      ).run(`e${index}`, at);
      db.prepare(
        `INSERT INTO device_quarantine (sha256, device_sn, protocol, reason, raw, received_at)
         VALUES (?, 'DEV1', 'x', '', '', ?)`,
      ).run(`q${index}`, at);
    }
  });
}

async function prune(relay: Relay, { steps = Infinity } = {}): Promise<PruneResult> {
  let left = steps;
  return await relay.store.write(() =>
    relay.stream.prune!(instantOf(AT), { left: () => --left > 0 })
  );
}

Deno.test("Retention deletes what is older than its days, where no cloud is waited for", async () => {
  await using relay = await Relay.start({ config: { retention_days: 30 } });
  await age(relay, [90, 31, 29, 0]);
  assert.deepEqual(await prune(relay), { deleted: 6, more: false });
  for (const table of ["device_logs", "device_events", "device_quarantine"]) {
    assert.equal(relay.count(table), 2, table);
  }
});

Deno.test("Retention takes nothing that came while the clock was behind for older than what came before", async () => {
  await using relay = await Relay.start({ config: { retention_days: 30 } });
  await age(relay, [20, 2_000, 0]);
  assert.deepEqual(await prune(relay), { deleted: 0, more: false });
});

Deno.test("Retention keeps what the cloud does not have, for longer", async () => {
  await using relay = await Relay.start({
    config: { retention_days: 30 },
    deps: { cloud: true },
    unsyncedDays: 100,
  });
  await age(relay, [400, 90, 80, 70, 0]);
  const outbox = relay.stream.outbox!;
  await relay.store.write(() => outbox.pending(3));
  await relay.store.write(() => {
    outbox.settle(["p1"], instantOf(AT));
    outbox.reject([{ id: "p2", message: "no" }], instantOf(AT));
  });
  await prune(relay);
  const ids = relay.punches().map(({ id }) => id);
  assert.deepEqual(ids, ["p2", "p3", "p4"], "a rejected one waits for a decision");
});

Deno.test("Retention counts what it takes from the outbox", async () => {
  await using relay = await Relay.start({ config: { retention_days: 30 } });
  const device = await relay.registered();
  await device.ask({
    cmd: "sendlog",
    sn: "DEV1",
    record: [{ enrollid: 1, time: "2026-10-05 09:15:30" }],
  });
  await relay.store.write(() => relay.rows("UPDATE device_logs SET received_at = '2020'"));
  assert.equal(relay.stream.outbox!.depth().rows, 1);
  await prune(relay);
  assert.deepEqual(relay.stream.outbox!.depth(), { rows: 0, oldest: null });
});

Deno.test("Retention works in steps and comes to its end", async () => {
  await using relay = await Relay.start({ config: { retention_days: 30 } });
  await age(relay, [...Array(450).fill(60), 0]);
  let rounds = 0;
  while ((await prune(relay, { steps: 1 })).more) rounds++;
  assert(rounds >= 4, `${rounds} rounds`);
  assert.equal(relay.count("device_logs"), 1);
  assert.equal(relay.count("device_events"), 1);
});

Deno.test("Retention keeps the newest entries of a quarantine that fills up", async () => {
  await using relay = await Relay.start({ deps: { limits: { quarantineEntries: 150 } } });
  await age(relay, Array(400).fill(0));
  while ((await prune(relay, { steps: 1 })).more);
  const kept = relay.rows("SELECT sha256 FROM device_quarantine ORDER BY seq");
  assert.equal(kept.length, 150);
  assert.equal(kept[0]?.sha256, "q250");
  assert.equal(relay.count("device_events"), 400);
});

Deno.test("Retention removes the files that earlier versions kept, with their entries", async () => {
  await using relay = await Relay.start({ config: { retention_days: 30 } });
  await relay.iclock().post("ATTLOG", "no punch\n");
  const folder = relay.store.path.replace("clockblock.db", "quarantine");
  Deno.mkdirSync(folder);
  for (const name of ["large.txt", "notes.txt"]) Deno.writeTextFileSync(`${folder}/${name}`, "x");
  await relay.store.write(() =>
    relay.rows("UPDATE device_quarantine SET received_at = '2020', file = 'large.txt'")
  );
  await prune(relay);
  await until(() => [...Deno.readDirSync(folder)].length === 1, "the file is gone");
  assert.equal([...Deno.readDirSync(folder)][0]?.name, "notes.txt");
});
