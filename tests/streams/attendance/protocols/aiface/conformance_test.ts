import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { settled } from "../../../../support/fakes/fake_clock.ts";
import { connectReadOnly, Relay } from "../../relay.ts";
import { ownMs } from "../../../../support/process/own_time.ts";
import { removeFolder } from "../../../../support/temp.ts";
import { until } from "../../../../support/until.ts";

const punch = (enrollid: number | string, time: string, more = {}) => ({
  enrollid,
  name: "A",
  time,
  mode: 8,
  inout: 0,
  event: 0,
  ...more,
});
const sendlog = (record: unknown[], more = {}) => ({
  cmd: "sendlog",
  sn: "DEV1",
  count: record.length,
  logindex: 10,
  record,
  ...more,
});
const TWO = sendlog([punch(7, "2026-10-05 09:15:30"), punch(8, "2026-10-05 09:16:00")]);
const ACK = {
  ret: "sendlog",
  result: true,
  count: 2,
  logindex: 10,
  cloudtime: "2026-10-05 09:20:00",
};

interface Case {
  name: string;
  run(relay: Relay): Promise<void>;
}

const cases: readonly Case[] = [
  {
    name: "1. reg of a known device is answered with its local time, and it is online",
    async run(relay) {
      const device = await relay.socket();
      const answer = await device.ask({
        cmd: "reg",
        sn: "DEV1",
        devinfo: {
          modelname: "AiFace",
          firmware: "ai518_x_v2.16",
          usednewlog: 12,
          time: "2026-10-05 09:21:30",
        },
      });
      assert.deepEqual(answer, {
        ret: "reg",
        result: true,
        cloudtime: "2026-10-05 09:20:00",
        nosenduser: true,
      });
      const { state, skew_ms, firmware, model, backlog, last_seen } = (await relay.device())!;
      assert.deepEqual(
        { state, skew_ms, firmware, model, backlog, last_seen },
        {
          state: "online",
          skew_ms: 90_000,
          firmware: "ai518_x_v2.16",
          model: "AiFace",
          backlog: 12,
          last_seen: "2026-10-05T03:50:00.000Z",
        },
      );
    },
  },
  {
    name: "2. an unknown device is refused, its punches are not taken, and it waits for approval",
    async run(relay) {
      const device = await relay.socket();
      const answer = await device.ask({ cmd: "reg", sn: "NEW1" });
      assert.equal(answer?.result, false);
      assert.equal(answer?.reason, "device not allowed");
      await device.say({ ...TWO, sn: "NEW1" });
      const known = await relay.registered();
      assert(await known.silence());
      assert.equal(device.socket.unread, 0);
      assert.equal(relay.count("device_logs"), 0);
      assert.equal((await relay.device("NEW1"))?.state, "pending");
    },
  },
  {
    name: "3. punches are acknowledged after the commit and not before",
    async run(relay) {
      const device = await relay.registered();
      const gate = Promise.withResolvers<void>();
      relay.store.gate = gate.promise;
      await device.say(TWO);
      await until(() => relay.store.waiting === 1, "the write waits");
      await settled();
      assert.equal(device.socket.unread, 0, "nothing is said while the commit is held up");
      let storedBeforeAck = 0;
      relay.store.onCommit = () => {
        using other = connectReadOnly(relay.store.path);
        storedBeforeAck = other.count("device_logs");
      };
      gate.resolve();
      assert.deepEqual(await device.hear(), ACK);
      assert.equal(storedBeforeAck, 2, "another connection sees the rows before the answer leaves");
    },
  },
  {
    name: "4. the same frame again is acknowledged in the same way and stored once",
    async run(relay) {
      const device = await relay.registered();
      assert.deepEqual(await device.ask(TWO), ACK);
      assert.deepEqual(await device.ask(TWO), ACK);
      assert.equal(relay.count("device_logs"), 2);
    },
  },
  {
    name: "5. the same punch in other words is the same punch, and a photo is not stored",
    async run(relay) {
      const device = await relay.registered();
      await device.ask(TWO);
      const before = relay.punches();
      const image = `data:image/jpeg;base64,${"A".repeat(400)}`;
      const answer = await device.ask(sendlog([
        punch(7, "2026-10-05 09:15:30", { mode: 1, name: "B", image }),
        punch(9, "2026-10-05 09:17:00", { image }),
      ], { logindex: 99 }));
      assert.equal(answer?.count, 2);
      assert.deepEqual(relay.punches().slice(0, 2), before);
      assert.equal(relay.count("device_logs"), 3);
      assert(!JSON.stringify(relay.punches()).includes("AAAA"));
    },
  },
  {
    name: "6. a failing database means no answer and no half of it; after it recovers all is well",
    async run(relay) {
      const device = await relay.registered();
      relay.break();
      await device.say(TWO);
      assert(await device.silence());
      assert.equal(relay.count("device_logs"), 0);
      assert.match(relay.warnings.list()[0]?.message ?? "", /Cannot store punches/);
      relay.mend();
      assert.deepEqual(await device.ask(TWO), ACK);
      assert.equal(relay.count("device_logs"), 2);
      assert.deepEqual(relay.warnings.list(), []);
    },
  },
  {
    name: "6b. a full disk means no answer and no half of it",
    async run(relay) {
      const device = await relay.registered();
      const name = "N".repeat(500);
      const many = sendlog(
        Array.from({ length: 50 }, (_, i) => punch(i + 1, "2026-10-05 09:15:30", { name })),
      );
      const [pages] = relay.rows("PRAGMA page_count");
      relay.store.db.exec(`PRAGMA max_page_count = ${pages!.page_count}`);
      await device.say(many);
      assert(await device.silence());
      assert.equal(relay.count("device_logs"), 0);
      assert.match(relay.warnings.list()[0]?.message ?? "", /disk is full/);
      relay.store.db.exec("PRAGMA max_page_count = 1000000");
      assert.equal((await device.ask(many))?.count, 50);
      assert.equal(relay.count("device_logs"), 50);
    },
  },
  {
    name: "6c. a database that another program holds means no answer until it lets go",
    async run(relay) {
      const device = await relay.registered();
      const other = new DatabaseSync(relay.store.path);
      other.exec("BEGIN IMMEDIATE");
      await device.say(TWO);
      assert.equal((await relay.iclock().handshake()).status, 200, "others are served meanwhile");
      assert.equal(device.socket.unread, 0);
      assert.equal(relay.count("device_logs"), 0);
      other.exec("ROLLBACK");
      other.close();
      assert.deepEqual(await device.hear(), ACK);
      assert.equal(relay.count("device_logs"), 2);
    },
  },
  {
    name: "8. fewer records than announced are stored, acknowledged the second time, and asked for",
    async run(relay) {
      const device = await relay.registered();
      const short = { ...TWO, count: 3 };
      await device.say(short);
      assert(await device.silence());
      assert.equal(relay.count("device_logs"), 2);
      assert.deepEqual(await device.ask(short), { ...ACK, count: 3 });
      await relay.advance(1_000);
      assert.deepEqual(await device.hear(), {
        cmd: "getalllog",
        stn: true,
        from: "2026-10-05",
        to: "2026-10-06",
      });
    },
  },
  {
    name: "9. logindex says nothing: absent is 0, and two batches with 0 are two batches",
    async run(relay) {
      const device = await relay.registered();
      const { logindex: _, ...without } = TWO;
      assert.equal((await device.ask(without))?.logindex, 0);
      const other = sendlog([punch(7, "2026-10-05 09:18:00")], { logindex: 0 });
      assert.equal((await device.ask(other))?.logindex, 0);
      assert.equal(relay.count("device_logs"), 3);
    },
  },
  {
    name: "10. a record that makes no sense goes to quarantine and does not spoil its neighbour",
    async run(relay) {
      const device = await relay.registered();
      const answer = await device.ask(
        sendlog([punch(7, "2026-13-45"), punch(8, "2026-10-05 09:16:00")]),
      );
      assert.deepEqual(answer, ACK);
      assert.equal(relay.count("device_logs"), 1);
      const [entry] = relay.rows("SELECT * FROM device_quarantine");
      assert.equal(entry?.reason, "no usable time");
      assert.match(String(entry?.raw), /2026-13-45/);
    },
  },
  {
    name: "11. a time that cannot be right is stored, marked and acknowledged",
    async run(relay) {
      const device = await relay.registered();
      const answer = await device.ask(
        sendlog([punch(7, "2000-01-01 00:00:05"), punch(8, "2026-10-06 09:20:00")]),
      );
      assert.deepEqual(answer, ACK);
      assert.deepEqual(relay.punches().map(({ time_suspect }) => time_suspect), [1, 1]);
      assert.match(
        relay.warnings.list()[0]?.message ?? "",
        /^Device DEV1 has sent a punch of 2026-10-06 09:20:00, which cannot be right/,
      );
      await device.ask(sendlog([punch(7, "2026-10-05 09:19:00")]));
      assert.deepEqual(relay.warnings.list(), [], "its clock is mended");
    },
  },
  {
    name: "12. a door and a stranger are events, not punches, and nobody is let in",
    async run(relay) {
      const device = await relay.registered();
      const answer = await device.ask(
        sendlog([
          punch(0, "2026-10-05 09:15:30", { event: 4 }),
          punch(99999999, "2026-10-05 09:16:00"),
        ]),
      );
      assert.deepEqual(answer, ACK);
      assert.equal(relay.count("device_logs"), 0);
      assert.deepEqual(
        relay.rows("SELECT person_id, event FROM device_events ORDER BY seq"),
        [{ person_id: "0", event: 4 }, { person_id: "99999999", event: 0 }].map((row) =>
          Object.assign(Object.create(null), row)
        ),
      );
    },
  },
  {
    name: "13. ids are text, with their zeros, and exact beyond 2^53",
    async run(relay) {
      const device = await relay.registered();
      await device.socket.send(
        '{"cmd":"sendlog","sn":"DEV1","count":3,"logindex":0,"record":[' +
          '{"enrollid":"007","time":"2026-10-05 09:15:30"},' +
          '{"enrollid":7,"time":"2026-10-05 09:15:30"},' +
          '{"enrollid":123456789012345678,"time":"2026-10-05 09:15:30"}]}',
      );
      assert.equal((await device.hear())?.count, 3);
      assert.deepEqual(
        relay.punches().map(({ person_id }) => person_id),
        ["007", "7", "123456789012345678"],
      );
    },
  },
  {
    name: "14. what is no JSON is not answered, kept once, and the next frame works",
    async run(relay) {
      const device = await relay.registered();
      await device.socket.send('{"cmd":"sendlog","sn":"DEV1","count":1,,}');
      assert(await device.silence());
      assert.equal(relay.count("device_quarantine"), 1);
      await device.socket.send('{"cmd":"sendlog","sn":"DEV1","record":[{"enroll');
      assert.deepEqual(await device.ask(TWO), ACK);
      assert.equal(relay.count("device_quarantine"), 2);
      assert.equal(relay.count("device_logs"), 2);
    },
  },
  {
    name:
      "15. two objects in a frame get two answers in order, one object over two frames gets one",
    async run(relay) {
      const device = await relay.registered();
      const other = sendlog([punch(9, "2026-10-05 09:17:00")], { logindex: 11 });
      await device.socket.send(JSON.stringify(TWO) + JSON.stringify(other));
      assert.equal((await device.hear())?.logindex, 10);
      assert.equal((await device.hear())?.logindex, 11);
      const text = JSON.stringify(sendlog([punch(10, "2026-10-05 09:18:00")], { logindex: 12 }));
      await device.socket.send(text.slice(0, 90));
      await device.socket.send(text.slice(90));
      assert.equal((await device.hear())?.logindex, 12);
      assert(await device.silence());
      assert.equal(relay.count("device_logs"), 4);
    },
  },
  {
    name: "16. 20 MiB and 40 MiB with photos are stored without them, and acknowledged",
    async run(relay) {
      const device = await relay.registered();
      const photo = (mib: number) => "/9j/".repeat(mib * 256 * 1024);
      const both = sendlog([
        punch(7, "2026-10-05 09:15:30", { image: photo(10) }),
        punch(8, "2026-10-05 09:16:00", { image: photo(10) }),
      ]);
      // A device waits for 20 seconds.
      const tookMs = await ownMs(async () => assert.deepEqual(await device.ask(both), ACK));
      assert(tookMs < 10_000, `${tookMs} ms`);
      assert.equal(relay.count("device_logs"), 2);
      assert(JSON.stringify(relay.punches()).length < 2_000);

      const large = await device.ask(sendlog([
        punch(9, "2026-10-05 09:17:00", { image: photo(20) }),
        punch(10, "2026-10-05 09:18:00", { image: photo(20), password: "4711" }),
      ]));
      assert.deepEqual(large, ACK);
      assert.equal(relay.count("device_logs"), 4);
      const stored = JSON.stringify(relay.punches());
      assert.match(stored, /enrollid.{3}10/);
      assert.doesNotMatch(stored, /\/9j\/|4711/);
    },
  },
  {
    name: "17. a device that does not register and sends at once is as good as one that does",
    async run(relay) {
      const device = await relay.socket();
      assert.deepEqual(await device.ask(TWO), ACK);
      assert.equal(relay.count("device_logs"), 2);
      assert.equal((await relay.device())?.state, "online");
    },
  },
  {
    name: "18. a second connection of a device closes the first, and the device stays online",
    async run(relay) {
      const first = await relay.registered();
      const second = await relay.registered();
      await first.socket.closed;
      assert(await second.silence());
      assert.equal((await relay.device())?.state, "online");
      assert.equal(relay.said("DEV1", "offline"), 0);
    },
  },
  {
    name: "19. a device that is quiet and answers no ping is offline, once",
    async run(relay) {
      const device = await relay.registered();
      device.socket.pongs = false;
      await relay.skip(15_000);
      await relay.skip(16_000);
      await device.socket.closed;
      await until(async () => (await relay.device())?.state === "offline", "offline");
      await relay.skip(60_000);
      assert.equal(relay.said("DEV1", "offline"), 1);
    },
  },
  {
    name: "19b. a device that is quiet and answers pings stays online",
    async run(relay) {
      const device = await relay.registered();
      for (let round = 0; round < 5; round++) {
        await relay.skip(16_000);
        const now = new Date(relay.clock.now()).toISOString();
        await until(async () => (await relay.device())?.last_seen === now, "the pong is heard");
        assert.equal(device.socket.pings, round + 1);
      }
      assert.equal(relay.said("DEV1", "offline"), 0);
    },
  },
  {
    name: "20. pages of the past are asked for one by one, to their end",
    async run(relay) {
      const device = await relay.registered();
      await relay.advance(5_000);
      const asked = [];
      const records = Array.from(
        { length: 120 },
        (_, i) => punch(i + 1, "2026-10-04 18:00:00"),
      );
      for (let from = 0; from < 120; from += 50) {
        const { cmd, stn } = (await device.hear())!;
        asked.push([cmd, stn]);
        const record = records.slice(from, from + 50);
        // Some firmware answers with `cmd` instead of `ret`.
        const word = from === 50 ? "cmd" : "ret";
        await device.say({
          [word]: "getalllog",
          sn: "DEV1",
          result: true,
          count: 120,
          from,
          to: from + record.length - 1,
          record,
        });
      }
      assert(await device.silence());
      assert.deepEqual(asked, [["getalllog", true], ["getalllog", false], ["getalllog", false]]);
      assert.equal(relay.count("device_logs"), 120);
    },
  },
  {
    name: "20b. an empty page ends the asking",
    async run(relay) {
      const device = await relay.registered();
      await relay.advance(5_000);
      assert.equal((await device.hear())?.cmd, "getalllog");
      await device.say({ ret: "getalllog", result: true, count: 0, record: [] });
      assert(await device.silence());
    },
  },
  {
    name: "21. users are acknowledged and not kept, unknown commands are kept and acknowledged",
    async run(relay) {
      const device = await relay.registered();
      const user = { cmd: "senduser", enrollid: 7, name: "A", backupnum: 0, record: "c2VjcmV0" };
      const answer = await device.ask(user);
      assert.deepEqual([answer?.ret, answer?.result], ["senduser", true]);
      assert.deepEqual(await device.ask({ cmd: "sendweather", sky: "blue", password: "1234" }), {
        ret: "sendweather",
        result: true,
      });
      const [event] = relay.rows("SELECT kind, raw FROM device_events");
      assert.equal(event?.kind, "sendweather");
      assert.match(String(event?.raw), /blue/);
      assert(!String(event?.raw).includes("1234"));
      assert(!JSON.stringify(relay.rows("SELECT * FROM device_events")).includes("c2VjcmV0"));
    },
  },
];

for (const { name, run } of cases) {
  Deno.test(`AiFace conformance: ${name}`, async () => {
    await using relay = await Relay.start();
    await run(relay);
  });
}

Deno.test("AiFace conformance: 16b. many objects in one message are acknowledged one by one", async () => {
  await using relay = await Relay.start();
  const device = await relay.registered();
  const image = "A".repeat(60_000);
  const messages = Array.from(
    { length: 10 },
    (_, i) => sendlog([punch(i + 1, "2026-10-05 09:15:30", { image })], { logindex: i }),
  );
  const text = messages.map((message) => JSON.stringify(message)).join("\n");
  await device.socket.send(text, { cuts: [70_000, 100_000] });
  for (let i = 0; i < 10; i++) assert.equal((await device.hear())?.logindex, i);
  assert.equal(relay.count("device_logs"), 10);
  assert.equal(relay.count("device_quarantine"), 0);
});

Deno.test("AiFace conformance: 16c. a large message that cannot be stored is not acknowledged", async () => {
  await using relay = await Relay.start();
  const device = await relay.registered();
  const image = "A".repeat(150_000);
  const large = sendlog([1, 2, 3].map((id) => punch(id, "2026-10-05 09:15:30", { image })));
  relay.break();
  await device.say(large);
  assert(await device.silence());
  relay.mend();
  assert.equal((await device.ask(large))?.count, 3);
  assert.equal(relay.count("device_logs"), 3);
});

Deno.test("AiFace conformance: 7. a kill between commit and answer costs nothing", async () => {
  const dir = Deno.makeTempDirSync({ prefix: "clockblock-" });
  try {
    const path = `${dir}/clockblock.db`;
    const first = await Relay.start({ path });
    const device = await first.registered();
    let stopped: Promise<void> | undefined;
    first.store.onCommit = () => {
      device.socket.close();
      stopped ??= first.stop();
    };
    await device.say(TWO);
    await until(() => stopped !== undefined, "the relay stops after the commit");
    await stopped;
    assert.equal(device.socket.unread, 0);

    await using second = await Relay.start({ path });
    assert.equal(second.count("device_logs"), 2);
    const again = await second.registered();
    assert.deepEqual(await again.ask(TWO), ACK);
    assert.equal(second.count("device_logs"), 2);
  } finally {
    removeFolder(dir);
  }
});
