/** Directions of stored punches, as devices send them and as the database keeps them. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { instantOf } from "../../../../src/core/mod.ts";
import { tempDir } from "../../../support/temp.ts";
import { until } from "../../../support/until.ts";
import { Relay } from "../relay.ts";

const DOORS = [{ sn: "DEV1", name: "Front door" }, { sn: "DEV2", name: "Back door" }];

/** `1001 09:00` → an AiFace record of the day before the relay's. */
function records(...written: string[]) {
  return written.map((text) => {
    const [enrollid, time, inout = "0"] = text.split(" ");
    return { enrollid: enrollid!, time: `2026-10-04 ${time}:00`, inout: +inout };
  });
}

async function send(relay: Relay, sn: string, ...written: string[]): Promise<void> {
  const device = await relay.registered(sn);
  await device.ask({ cmd: "sendlog", sn, record: records(...written) });
}

/** `09:00 in alternation`, in the order of time. */
function directions(relay: Relay, person = "1001"): string[] {
  return relay.rows("SELECT * FROM device_logs ORDER BY punched_at, seq")
    .filter(({ person_id }) => person_id === person)
    .map(({ device_time, direction, direction_by }) =>
      `${String(device_time).slice(11, 16)} ${direction} ${direction_by}`
    );
}

const queued = (relay: Relay) => relay.count("direction_queue");

Deno.test("Directions: a punch has one when it is acknowledged and when it is told", async () => {
  await using relay = await Relay.start();
  await send(relay, "DEV1", "1001 09:00", "1002 09:01", "1001 12:00", "1001 12:00", "1001 13:00");
  assert.deepEqual(directions(relay), [
    "09:00 in alternation",
    "12:00 out alternation",
    "13:00 in alternation",
  ]);
  assert.deepEqual(directions(relay, "1002"), ["09:01 in alternation"]);
  const told = relay.messages.filter(({ topic }) => topic === "punches")
    .map(({ data }) => (data as { direction: string }).direction);
  assert.deepEqual(told, ["in", "in", "out", "in"]);
  assert.ok(relay.messages.some(({ topic }) => topic === "presence"));
});

Deno.test("Directions: what a backlog brings changes what lies behind it, and that is sent again", async () => {
  await using relay = await Relay.start({ config: { devices: DOORS } });
  await send(relay, "DEV1", "1001 09:00", "1001 13:00", "1001 17:00", "1001 17:30");
  const { outbox } = relay.stream;
  await relay.store.write(() => {
    const ids = outbox!.pending(100).rows.map(({ id }) => id);
    outbox!.settle(ids, instantOf(relay.clock.now()));
  });
  assert.equal(outbox!.depth().rows, 0);
  await send(relay, "DEV2", "1001 12:00");
  await until(() => queued(relay) === 0, "they are decided again");
  assert.deepEqual(directions(relay), [
    "09:00 in alternation",
    "12:00 out alternation",
    "13:00 in alternation",
    "17:00 out alternation",
    "17:30 in alternation",
  ]);
  assert.equal(outbox!.depth().rows, 4);
  assert.equal(outbox!.pending(100).rows.length, 4);
});

Deno.test("Directions: what a device sends twice changes nothing", async () => {
  await using relay = await Relay.start();
  await until(() => relay.store.meta("attendance.max_stay_ms") !== undefined, "it has begun");
  await until(() => queued(relay) === 0, "nothing is left to decide");
  await send(relay, "DEV1", "1001 09:00", "1001 12:00");
  await relay.store.write(() => {
    relay.store.db.exec(
      "CREATE TEMP TRIGGER no_queue BEFORE INSERT ON direction_queue BEGIN SELECT RAISE(ABORT, 'queued'); END",
    );
  });
  await send(relay, "DEV1", "1001 09:00", "1001 12:00", "1001 13:00");
  assert.deepEqual(directions(relay).map((line) => line.split(" ")[1]), ["in", "out", "in"]);
});

Deno.test("Directions: a device's role goes first, and applies to what it has sent before", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const first = await Relay.start({ path, config: { devices: DOORS } });
  await send(first, "DEV1", "1001 09:00");
  await send(first, "DEV2", "1001 12:00");
  await send(first, "DEV1", "1001 17:00");
  assert.deepEqual(directions(first).map((line) => line.split(" ")[1]), ["in", "out", "in"]);
  await first.stop();

  const devices = [{ ...DOORS[0]!, role: "exit" as const }, DOORS[1]!];
  await using second = await Relay.start({ path, config: { devices } });
  await until(() => directions(second)[0] === "09:00 out device_role", "the role is applied");
  await until(() => queued(second) === 0, "all is decided");
  assert.deepEqual(directions(second), [
    "09:00 out device_role",
    "12:00 in alternation",
    "17:00 out device_role",
  ]);
  assert.deepEqual((await second.device("DEV1"))?.role, "exit");
  assert.deepEqual((await second.device("DEV2"))?.role, "both");
});

Deno.test("Directions: a role given while the agent runs is applied at once", async () => {
  await using relay = await Relay.start({ config: { unknown: "approve" } });
  await relay.iclock("DEV2").post("ATTLOG", "1001\t2026-10-04 09:00:00\t0\t1\n");
  await until(
    () => relay.rows("SELECT decided_by FROM devices WHERE decided_by IS NOT NULL").length > 0,
    "the devices were compared",
  );
  // The clock stands still: nothing that waits for 10 s runs.
  await relay.api("PATCH", "/devices/{sn}", { params: { sn: "DEV2" }, body: { role: "exit" } });
  await until(() => directions(relay)[0] === "09:00 out device_role", "the role is applied");
});

Deno.test("Directions: a device that turns out to mean its status is believed from its first punch", async () => {
  await using relay = await Relay.start();
  const device = relay.iclock();
  const post = (...lines: string[]) =>
    device.post(
      "ATTLOG",
      lines.map((line) => line.replaceAll(" ", "\t").replace("T", " ")).join("\n"),
    );
  await post("1001 2026-10-04T09:00:00 0 1", "1001 2026-10-04T12:00:00 0 1");
  assert.deepEqual(directions(relay), ["09:00 in alternation", "12:00 out alternation"]);
  await post("1001 2026-10-04T17:00:00 1 1");
  await until(() => directions(relay)[1] === "12:00 in status", "the status is believed");
  await until(() => queued(relay) === 0, "all is decided");
  assert.deepEqual(directions(relay), ["09:00 in status", "12:00 in status", "17:00 out status"]);
});

Deno.test("Directions: a time that cannot be right decides nothing for others", async () => {
  await using relay = await Relay.start();
  await send(relay, "DEV1", "1001 09:00");
  const device = await relay.registered();
  const record = [{ enrollid: 1001, time: "2026-12-24 09:00:00", inout: 0 }];
  await device.ask({ cmd: "sendlog", sn: "DEV1", record });
  await send(relay, "DEV1", "1001 17:00");
  assert.deepEqual(directions(relay), [
    "09:00 in alternation",
    "17:00 out alternation",
    "09:00 null null",
  ]);
});

Deno.test("Directions: a punch that was struck out decides nothing for others, whatever its door", async () => {
  const devices = [DOORS[0]!, { ...DOORS[1]!, role: "exit" as const }];
  await using relay = await Relay.start({ config: { devices } });
  await send(relay, "DEV1", "1001 09:00");
  await send(relay, "DEV2", "1001 10:00");
  await send(relay, "DEV1", "1001 11:00");
  assert.equal(directions(relay).at(-1), "11:00 in alternation");
  const [struck] = relay.rows("SELECT id FROM device_logs WHERE device_sn = 'DEV2'");
  await relay.api("POST", "/punches/corrections", {
    body: { kind: "strike", punch_id: struck!.id, reason: "not theirs", by: "Cy" },
  });
  await until(() => queued(relay) === 0, "they are decided again");
  assert.deepEqual(directions(relay), [
    "09:00 in alternation",
    "10:00 out device_role",
    "11:00 out alternation",
  ]);
});

Deno.test("Directions: what a version before has stored is decided, and the longest stay is applied", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const first = await Relay.start({ path });
  await send(first, "DEV1", "1001 09:00", "1001 17:00", "1002 01:00");
  await first.store.write(() => {
    first.store.db.exec(
      `UPDATE device_logs SET direction = NULL, direction_by = NULL;
       UPDATE devices SET statuses = NULL, decided_by = NULL;
       DELETE FROM meta WHERE key = 'attendance.max_stay_ms'; DELETE FROM direction_queue`,
    );
  });
  await first.stop();

  const second = await Relay.start({ path });
  await until(() => directions(second)[1] === "17:00 out alternation", "they are decided");
  await second.stop();

  await using third = await Relay.start({ path, config: { max_stay_hours: 4 } });
  await until(() => directions(third)[1] === "17:00 in alternation", "they are decided again");
});

Deno.test("Directions: what was undone is not remembered", async () => {
  await using relay = await Relay.start();
  await send(relay, "DEV1", "1001 09:00");
  relay.store.db.exec(
    `CREATE TEMP TRIGGER broken BEFORE INSERT ON device_logs WHEN NEW.person_id = '1002'
     BEGIN SELECT RAISE(ABORT, 'broken'); END`,
  );
  const device = await relay.registered();
  const record = records("1001 12:00", "1002 12:00");
  await device.say({ cmd: "sendlog", sn: "DEV1", record });
  await until(() => relay.warnings.list().length > 0, "the failure is noticed");
  relay.mend();
  await send(relay, "DEV1", "1001 17:00");
  assert.deepEqual(directions(relay), ["09:00 in alternation", "17:00 out alternation"]);
});

Deno.test("Directions are the same in whatever order punches come", async () => {
  const minutes = fc.uniqueArray(fc.integer({ min: 0, max: 1_439 }), {
    minLength: 1,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(minutes, fc.array(fc.integer({ min: 0, max: 1_000 })), async (times, keys) => {
      const written = times.map((minute) =>
        `1001 ${String(Math.floor(minute / 60)).padStart(2, "0")}:${
          String(minute % 60).padStart(2, "0")
        }`
      );
      const shuffled = written.map((text, at) => ({ text, key: keys[at] ?? at }))
        .sort((a, b) => a.key - b.key).map(({ text }) => text);
      await using inOrder = await Relay.start();
      await send(inOrder, "DEV1", ...written.toSorted());
      await using mixed = await Relay.start();
      for (const text of shuffled) await send(mixed, "DEV1", text);
      await until(() => queued(mixed) === 0, "all is decided");
      assert.deepEqual(directions(mixed), directions(inOrder));
    }),
    { numRuns: 10 },
  );
});
