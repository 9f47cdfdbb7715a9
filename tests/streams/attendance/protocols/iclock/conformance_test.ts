import assert from "node:assert/strict";
import { rawRequest } from "../../../../support/fakes/raw_wire.ts";
import { CONFIG, Relay } from "../../relay.ts";

const THREE = "1001\t2026-10-05 09:15:30\t0\t15\t\t0\t0\n" +
  "1002\t2026-10-05 09:15:40\t1\t1\t\t0\t0\n" +
  "0003\t2026-10-05 09:15:50\t255\t15\t\t0\t0\n";

interface Case {
  name: string;
  run(relay: Relay): Promise<void>;
}

const cases: readonly Case[] = [
  {
    name: "22. the handshake names the zone, and nothing is compressed on the way",
    async run(relay) {
      const path = "/iclock/cdata?SN=DEV1&options=all&pushver=2.4.1&language=69";
      const headers = { "Accept-Encoding": "gzip" };
      const reply = await rawRequest(relay.port, { path, headers });
      assert.equal(reply.status, 200);
      assert.equal(reply.headers.get("Content-Type"), "text/plain");
      assert.equal(reply.headers.get("Date"), "Mon, 05 Oct 2026 03:50:00 GMT");
      assert(!reply.headers.has("Content-Encoding"));
      const lines = reply.body.split("\n");
      assert.equal(lines[0], "GET OPTION FROM: DEV1");
      for (const line of ["TimeZone=330", "Realtime=1", "TransFlag=1000000000", "ATTLOGStamp=0"]) {
        assert(lines.includes(line), line);
      }
      const aspx = await rawRequest(relay.port, { path: path.replace("cdata", "cdata.aspx") });
      assert.equal(aspx.body, reply.body);
      assert.equal((await relay.device())?.state, "online");
    },
  },
  {
    name: "22a. the path is told by its end, whatever the device's menu puts before it",
    async run(relay) {
      const prefixes = ["/api", "/acme/in/v1", "/", "/acme//", "/iclock"];
      for (const [index, prefix] of prefixes.entries()) {
        const path = `${prefix}/iclock/cdata`;
        const hello = await rawRequest(relay.port, { path: `${path}?SN=DEV1&options=all` });
        assert.match(hello.body, /^GET OPTION FROM: DEV1\n/, path);
        const body = `${index}\t2026-10-05 09:15:30\t0\t15\n`;
        const posted = await rawRequest(relay.port, {
          method: "POST",
          path: `${path}.aspx?SN=DEV1&table=ATTLOG&Stamp=9999`,
          body,
        });
        assert.equal(posted.body, "OK: 1", path);
      }
      assert.equal(relay.count("device_logs"), prefixes.length);
      for (const path of ["/iclock?SN=DEV1", "/aiclock/cdata?SN=DEV1", "/iclock/cdata/x?SN=DEV1"]) {
        assert.equal((await rawRequest(relay.port, { path })).status, 404, path);
      }
    },
  },
  {
    name: "23. every line is counted, however lines end",
    async run(relay) {
      const device = relay.iclock();
      const bodies = [
        THREE,
        THREE.replaceAll("\n", "\r\n").replaceAll("2026-10-05", "2026-10-04"),
        THREE.trimEnd().replaceAll("2026-10-05", "2026-10-03"),
        `${THREE}\n\r\n \n`.replaceAll("2026-10-05", "2026-10-02"),
      ];
      for (const [index, body] of bodies.entries()) {
        const reply = await device.post("ATTLOG", body);
        assert.deepEqual([reply.status, reply.body], [200, "OK: 3"]);
        assert.equal(relay.count("device_logs"), 3 * (index + 1));
      }
      const [first] = relay.punches();
      const { person_id, device_time, punched_at, mode, in_out, time_zone } = first!;
      assert.deepEqual({ person_id, device_time, punched_at, mode, in_out, time_zone }, {
        person_id: "1001",
        device_time: "2026-10-05 09:15:30",
        punched_at: "2026-10-05T03:45:30.000Z",
        mode: 15,
        in_out: 0,
        time_zone: "Asia/Kolkata",
      });
    },
  },
  {
    name: "24. the same lines again are acknowledged and stored once",
    async run(relay) {
      const device = relay.iclock();
      assert.equal((await device.post("ATTLOG", THREE)).body, "OK: 3");
      assert.equal((await device.post("ATTLOG", THREE)).body, "OK: 3");
      assert.equal(relay.count("device_logs"), 3);
    },
  },
  {
    name: "25. a line that makes no sense goes to quarantine and is acknowledged with the others",
    async run(relay) {
      const body = "1001\t2026-10-05 09:15:30\t0\t15\nthis,is,no,punch\n";
      assert.equal((await relay.iclock().post("ATTLOG", body)).body, "OK: 2");
      assert.equal(relay.count("device_logs"), 1);
      assert.equal(relay.rows("SELECT raw FROM device_quarantine")[0]?.raw, "this,is,no,punch");
    },
  },
  {
    name: "26. lines of any length are read, and their tails are kept",
    async run(relay) {
      const lines = [
        "1\t2026-10-05 09:15:30\t0\t15",
        "2\t2026-10-05 09:15:30\t0\t15\t\t0\t0",
        "3\t2026-10-05 09:15:30\t255\t15\t\t0\t0\t4711",
        "4\t2026-10-05 09:15:30\t0\t1\t0\t0\t0\t255\t0\t0\t",
      ];
      assert.equal((await relay.iclock().post("ATTLOG", lines.join("\n"))).body, "OK: 4");
      assert.deepEqual(relay.punches().map(({ raw }) => raw), lines);
      assert.deepEqual(relay.punches().map(({ in_out }) => in_out), [0, 0, 255, 0]);
    },
  },
  {
    name: "27. a failing database is told by 503, and the stamp stays",
    async run(relay) {
      const device = relay.iclock();
      await device.post("ATTLOG", THREE, { stamp: "100" });
      relay.break();
      const later = THREE.replaceAll("2026-10-05", "2026-10-04");
      const reply = await device.post("ATTLOG", later, { stamp: "200" });
      assert.deepEqual([reply.status, reply.body], [503, "ERROR: storage"]);
      assert.equal(relay.count("device_logs"), 3);
      assert.match((await device.handshake()).body, /^ATTLOGStamp=100$/m);
      relay.mend();
      assert.equal((await device.post("ATTLOG", later, { stamp: "200" })).body, "OK: 3");
      assert.match((await device.handshake()).body, /^ATTLOGStamp=200$/m);
    },
  },
  {
    name: "28. an unknown device learns no time and leaves no punch, and waits for approval",
    async run(relay) {
      const device = relay.iclock("NEW1");
      const hello = await device.handshake();
      assert.equal(hello.status, 200);
      assert(!hello.body.includes("TimeZone"));
      assert.equal((await device.post("ATTLOG", THREE)).status, 503);
      assert.equal(relay.count("device_logs"), 0);
      assert.equal((await relay.device("NEW1"))?.state, "pending");
      for (const query of ["SN=../etc&options=all", "options=all", "SN=", `SN=${"x".repeat(65)}`]) {
        const reply = await rawRequest(relay.port, { path: `/iclock/cdata?${query}` });
        assert.equal(reply.status, 400, query);
      }
      // Whoever has no serial number is seen and not understood, by its address.
      assert.deepEqual((await relay.devices()).map(({ sn, state }) => [sn, state]), [
        ["DEV1", "offline"],
        ["at-127-0-0-1", "unsupported"],
        ["NEW1", "pending"],
      ]);
    },
  },
  {
    name: "29. the stamp of what was stored is given back, and 0 after a resync",
    async run(relay) {
      const device = relay.iclock();
      await device.post("ATTLOG", THREE, { stamp: "82983982" });
      const { body } = await device.handshake();
      assert.match(body, /^ATTLOGStamp=82983982$/m);
      assert.match(body, /^Stamp=82983982$/m);
      await relay.api("POST", "/devices/{sn}/resync", { params: { sn: "DEV1" } });
      assert.match((await device.handshake()).body, /^ATTLOGStamp=0$/m);
    },
  },
  {
    name: "30. an empty operation log is OK: 1; users and templates are counted and not kept",
    async run(relay) {
      const device = relay.iclock();
      assert.equal((await device.post("OPERLOG", "")).body, "OK: 1");
      const body = "OPLOG 4\t0\t2026-10-05 09:10:00\t1001\t0\t0\t0\n" +
        "USER PIN=1001\tName=Asha\tPri=0\tPasswd=4711\tCard=\tGrp=1\n" +
        `FP PIN=1001\tFID=0\tSize=1200\tValid=1\tTMP=${"TWVzc2Fn".repeat(150)}\n`;
      assert.equal((await device.post("OPERLOG", body)).body, "OK: 3");
      const everything = JSON.stringify([
        relay.rows("SELECT * FROM device_events"),
        relay.rows("SELECT * FROM device_quarantine"),
      ]);
      assert.match(everything, /OPLOG 4/);
      assert.doesNotMatch(everything, /4711|TWVz/);
    },
  },
  {
    name:
      "31. commands are offered, closed by their answers, and offered again when those are lost",
    async run(relay) {
      const device = relay.iclock();
      assert.equal((await device.poll()).body, "OK");
      await device.handshake();
      await relay.api("POST", "/devices/{sn}/resync", { params: { sn: "DEV1" } });
      assert.equal((await device.poll()).body, "C:1:INFO\nC:2:REBOOT\n");
      assert.equal((await device.poll()).body, "OK");
      const answer =
        "ID=1&Return=0&CMD=INFO\n~DeviceName=SilkBio\nFWVersion=Ver 8.0\nID=2&Return=0&CMD=REBOOT\n";
      assert.equal((await device.done(answer)).body, "OK");
      const { model, firmware } = (await relay.device())!;
      assert.deepEqual({ model, firmware }, { model: "SilkBio", firmware: "Ver 8.0" });
      await relay.skip(301_000);
      assert.equal((await device.poll()).body, "OK");

      await relay.api("POST", "/devices/{sn}/resync", { params: { sn: "DEV1" } });
      let offers = 0;
      for (let round = 0; round < 8; round++) {
        if ((await device.poll()).body === "C:3:REBOOT\n") offers++;
        await relay.skip(301_000);
      }
      assert.equal(offers, 5);
    },
  },
  {
    name: "32. midnight in India is 18:30 UTC of the day before",
    async run(relay) {
      await relay.iclock().post("ATTLOG", "1001\t2026-10-04 23:59:59\n1001\t2026-10-05 00:00:00\n");
      assert.deepEqual(relay.punches().map(({ punched_at }) => punched_at), [
        "2026-10-04T18:29:59.000Z",
        "2026-10-04T18:30:00.000Z",
      ]);
    },
  },
  {
    name: "33. a device that does not call is offline, and online when it calls, once each",
    async run(relay) {
      const device = relay.iclock();
      await device.poll();
      assert.equal((await relay.device())?.state, "online");
      await relay.skip(119_000);
      assert.equal((await relay.device())?.state, "online");
      await relay.advance(11_000);
      assert.equal((await relay.device())?.state, "offline");
      await relay.skip(60_000);
      await device.poll();
      await device.poll();
      assert.equal((await relay.device())?.state, "online");
      assert.deepEqual([relay.said("DEV1", "offline"), relay.said("DEV1", "online")], [1, 2]);
    },
  },
  {
    name:
      "34. whatever else a device wants is found good, and access control is kept and warned of",
    async run(relay) {
      for (const name of ["registry", "ping", "push", "something"]) {
        const path = `/iclock/${name}?SN=DEV1`;
        const reply = await rawRequest(relay.port, { method: "POST", path, body: "a=b" });
        assert.deepEqual([reply.status, reply.body], [200, "OK"], name);
      }
      const body = "time=2026-10-05 09:15:30\tpin=1001\tcardno=0\n";
      assert.equal((await relay.iclock().post("rtlog", body)).body, "OK: 1");
      assert.equal(relay.count("device_quarantine"), 1);
      assert.equal(relay.count("device_logs"), 0);
      assert.deepEqual(relay.warnings.list().map(({ code }) => code), ["attendance.push3.DEV1"]);
      assert.equal((await relay.iclock().post("ATTLOG", THREE)).body, "OK: 3");
      assert.deepEqual(relay.warnings.list(), [], "somebody has mended its menu");
    },
  },
];

for (const { name, run } of cases) {
  Deno.test(`iclock conformance: ${name}`, async () => {
    await using relay = await Relay.start();
    await run(relay);
  });
}

Deno.test("iclock conformance: 27b. a device that throws punches away after 503 is told by ERROR", async () => {
  const devices = [{ ...CONFIG.devices[0]!, nack_status: 200 as const }];
  await using relay = await Relay.start({ config: { devices } });
  relay.break();
  const reply = await relay.iclock().post("ATTLOG", THREE);
  assert.deepEqual([reply.status, reply.body], [200, "ERROR: storage"]);
});

Deno.test("iclock takes a body in chunks, and one that is announced first", async () => {
  await using relay = await Relay.start();
  const chunks = [...THREE].map((letter) => `1\r\n${letter}\r\n`).join("") + "0\r\n\r\n";
  const headers = { "Transfer-Encoding": "chunked" };
  assert.equal((await relay.iclock().post("ATTLOG", chunks, { headers })).body, "OK: 3");
  assert.equal(relay.count("device_logs"), 3);
});

Deno.test("iclock takes a long outage in one body, and answers once all of it is stored", async () => {
  await using relay = await Relay.start();
  const lines = Array.from({ length: 5_000 }, (_, i) => {
    const time = new Date(Date.parse("2026-09-01T00:00:00Z") + i * 60_000).toISOString();
    return `${1000 + i % 50}\t${time.slice(0, 19).replace("T", " ")}\t0\t15\t\t0\t0`;
  });
  assert.equal((await relay.iclock().post("ATTLOG", lines.join("\n"))).body, "OK: 5000");
  assert.equal(relay.count("device_logs"), 5_000);
  assert.equal(relay.stream.outbox!.depth().rows, 5_000);
});

Deno.test("iclock tells no time while this machine's clock is in doubt", async () => {
  await using relay = await Relay.start({ deps: { clockOffsetMs: () => 3_600_000 } });
  const reply = await relay.iclock().handshake();
  assert(!reply.headers.has("Date"));
  assert(!reply.body.includes("TimeZone"));
  const aiface = await relay.socket();
  const answer = await aiface.ask({ cmd: "reg", sn: "DEV1" });
  assert.deepEqual(answer, { ret: "reg", result: true, nosenduser: true });
});
