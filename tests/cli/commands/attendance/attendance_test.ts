/** Commands about attendance devices and their punches. @module */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { IclockDevice } from "../../../support/fakes/devices.ts";
import { OtherAddress } from "../../../support/process/other_address.ts";
import { cliFolder } from "../../../support/process/cli.ts";
import { until } from "../../../support/until.ts";

const config = {
  process_name: "no such game",
  attendance: {
    enabled: true,
    host: "127.0.0.1",
    port: 0,
    time_zone: "Asia/Kolkata",
    devices: [{ sn: "DEV1", name: "Front door" }],
  },
};

const LINES = "1001\t2026-03-02 09:15:30\t0\t15\n=1+1\t2026-03-02 09:16:00\t0\t15\n" +
  "1001\t2026-03-03 18:00:00\t1\t15\n";

/** Where the agent at this address listens for devices, once it does. */
async function portOf(url: string): Promise<number> {
  let port = "";
  await until(async () => {
    const { attendance } = await (await fetch(`${url}/status`)).json();
    port = attendance.listening?.split(":").at(-1) ?? "";
    return port !== "";
  }, "it listens for devices");
  return Number(port);
}

Deno.test("devices lists, approves, refuses and resyncs what has called the running agent", async () => {
  using folder = cliFolder(config);
  await using agent = await folder.start();
  const port = await portOf(agent.url);
  const device = new IclockDevice({ port, sn: "NEW1" });
  assert.equal((await device.post("ATTLOG", LINES)).status, 503);

  const { out } = await folder.cli("devices", "list");
  const [first, second] = out.trimEnd().split("\n");
  assert.match(first!, /^DEV1 {2}Front door {2}both {2}offline {2}never seen$/);
  assert.match(second!, /^NEW1 {14}both {2}pending {2}\d+ s ago {5}iclock 127\.0\.0\.1$/);

  const approve = ["devices", "approve", "NEW1", "--name", "Gate"];
  assert.equal((await folder.cli(...approve)).out, "NEW1 (Gate) is approved\n");
  assert.equal((await device.post("ATTLOG", LINES)).body, "OK: 3");
  assert.equal(
    (await folder.cli("devices", "resync", "NEW1")).out,
    "NEW1 (Gate) will send its punches again\n",
  );
  assert.equal((await device.poll()).body, "C:1:REBOOT\n");
  await device.done("ID=1&Return=0&CMD=REBOOT\n");
  const changed = await folder.cli("devices", "set", "NEW1", "--name", "Gate 2", "--role", "exit");
  assert.equal(changed.out, "NEW1 (Gate 2) is changed\n");
  assert.match(
    (await folder.cli("devices", "set", "NEW1")).err,
    /give --name, --time-zone or --role/,
  );
  assert.equal(
    (await folder.cli("devices", "command", "NEW1", "restart")).out,
    "NEW1 is asked to restart: see clockblock devices commands NEW1\n",
  );
  assert.equal((await device.poll()).body, "C:2:REBOOT\n");
  await device.done("ID=2&Return=0&CMD=REBOOT\n");
  assert.match(
    (await folder.cli("devices", "commands", "NEW1")).out,
    /restart {2}done {2}restarted$/m,
  );
  const openDoor = await folder.cli("devices", "command", "NEW1", "open-door");
  assert.equal(openDoor.code, 2);
  assert.match(openDoor.err, /expected set-clock, send-name, read-log, restart/);
  assert.equal((await folder.cli("devices", "command", "NEW1", "send-name")).code, 2);
  assert.match(
    (await folder.cli("devices", "remove", "DEV1")).err,
    /"DEV1" is in attendance.devices: take it out there/,
  );
  assert.equal((await folder.cli("devices", "refuse", "NEW1")).out, "NEW1 (Gate 2) is refused\n");
  assert.equal((await device.post("ATTLOG", LINES)).status, 503);

  assert.equal(
    (await folder.cli("devices", "resync", "DEV1")).out,
    "DEV1 (Front door) will send its punches again when it calls\n",
  );
  const refused = await folder.cli("devices", "resync", "NEW1");
  assert.equal(refused.code, 1);
  assert.match(refused.err, /device "NEW1" is refused: approve it first/);

  const { out: glance } = await folder.cli("status");
  assert.match(
    glance,
    new RegExp(`^Devices +1 offline, 1 refused, listening at 127\\.0\\.0\\.1:${port}$`, "m"),
  );

  const { out: json } = await folder.cli("devices", "list", "--json");
  assert.deepEqual(JSON.parse(json).map(({ sn, state }: Record<string, string>) => [sn, state]), [
    ["DEV1", "offline"],
    ["NEW1", "refused"],
  ]);
  const unknown = await folder.cli("devices", "approve", "NONE");
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /No such device: no device "NONE" has called/);
  assert.equal((await folder.cli("devices", "approve")).code, 2);
});

Deno.test("devices says who else uses a serial number, and takes a device's new address", async () => {
  using folder = cliFolder(config);
  await using agent = await folder.start();
  const port = await portOf(agent.url);
  await using network = await OtherAddress.open(port, "127.0.0.2");
  const moved = new IclockDevice({ port: network.port, sn: "DEV1" });
  assert.equal((await new IclockDevice({ port, sn: "DEV1" }).post("ATTLOG", LINES)).body, "OK: 3");
  assert.equal((await moved.post("ATTLOG", LINES, { stamp: "200" })).body, "OK: 3");

  const { out } = await folder.cli("devices", "list");
  assert.match(out, /iclock 127\.0\.0\.1 {2}127\.0\.0\.2 uses its serial number$/m);
  assert.match((await folder.cli("status")).out, /devices approve DEV1 --address 127\.0\.0\.2/);
  const wrong = await folder.cli("devices", "approve", "DEV1", "--address", "gate");
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /expected an IP address such as 192\.168\.1\.40/);

  const approve = ["devices", "approve", "DEV1", "--address", "127.0.0.2"];
  assert.equal((await folder.cli(...approve)).out, "DEV1 (Front door) is approved\n");
  await moved.post("ATTLOG", LINES, { stamp: "200" });
  assert.match((await moved.handshake()).body, /^ATTLOGStamp=200$/m);
  assert.match((await folder.cli("devices", "list")).out, /iclock 127\.0\.0\.2$/m);
});

Deno.test("punches export prints what was recorded, also when no agent runs", async () => {
  using folder = cliFolder(config);
  {
    await using agent = await folder.start();
    const device = new IclockDevice({ port: await portOf(agent.url), sn: "DEV1" });
    assert.equal((await device.post("ATTLOG", LINES)).body, "OK: 3");
  }
  const { out: csv } = await folder.cli("punches", "export", "--format", "csv");
  const [head, ...rows] = csv.trimEnd().split("\r\n").map((line) => line.split(",").slice(1, 8));
  assert.deepEqual(head, [
    "device_sn",
    "person_id",
    "person_name",
    "punched_at",
    "device_time",
    "time_zone",
    "time_suspect",
  ]);
  const zone = ["Asia/Kolkata", "false"];
  assert.deepEqual(rows, [
    ["DEV1", "1001", "", "2026-03-03T12:30:00.000Z", "2026-03-03 18:00:00", ...zone],
    ["DEV1", "'=1+1", "", "2026-03-02T03:46:00.000Z", "2026-03-02 09:16:00", ...zone],
    ["DEV1", "1001", "", "2026-03-02T03:45:30.000Z", "2026-03-02 09:15:30", ...zone],
  ]);
  const count = async (...flags: string[]) =>
    JSON.parse((await folder.cli("punches", "export", "--format", "json", ...flags)).out).length;
  assert.equal(await count("--from", "2026-03-03"), 1);
  assert.equal(await count("--to", "2026-03-02"), 2);
  assert.equal(await count("--person", "1001", "--device", "DEV1"), 2);
  assert.equal(await count("--person", "1002"), 0);
  const backwards = await folder.cli(
    "punches",
    "export",
    "--from",
    "2026-03-03",
    "--to",
    "2026-03-02",
  );
  assert.equal(backwards.code, 2);
});

Deno.test("quarantine lists what was not understood and reads it again, with and without an agent", async () => {
  using folder = cliFolder(config);
  {
    await using agent = await folder.start();
    const device = new IclockDevice({ port: await portOf(agent.url), sn: "DEV1" });
    assert.equal((await folder.cli("quarantine", "list")).out, "Everything was understood\n");
    const body = `no,\u001b[31mpunch ${"x ".repeat(100)}\n${LINES}`;
    assert.equal((await device.post("ATTLOG", body)).body, "OK: 4");
    const { out } = await folder.cli("quarantine", "list");
    assert.match(
      out,
      /^1 {2}20\S+ {2}DEV1 iclock {2}no usable PIN {2}no,.{1,6}punch x x.{60,70}…\n$/,
    );
    assert(!out.includes("\u001b[31m"));
    const retried = await folder.cli("quarantine", "retry", "1");
    assert.equal(retried.out, "0 are understood now, 1 still not\n");
  }
  const { out } = await folder.cli("quarantine", "list", "--json");
  assert.equal(JSON.parse(out).device_sn, "DEV1");
  const db = new DatabaseSync(`${folder.path}/clockblock.db`);
  // As a version left it that could not read it.
  db.exec("UPDATE device_quarantine SET raw = '2002' || char(9) || '2026-03-04 09:00:00'");
  db.close();
  const { out: said } = await folder.cli("quarantine", "retry", "--all");
  assert.equal(said, "1 is understood now, 0 still not\n");
  assert.equal((await folder.cli("quarantine", "list")).out, "Everything was understood\n");
  const { out: json } = await folder.cli("punches", "export", "--format", "json");
  assert.equal(JSON.parse(json)[0].person_id, "2002");
  for (const wrong of [[], ["--all", "1"], ["x"]]) {
    assert.equal((await folder.cli("quarantine", "retry", ...wrong)).code, 2, wrong.join());
  }
});

Deno.test("devices list says when nobody listens for devices", async () => {
  for (const [enabled, words] of [[false, "Attendance is off: set"], [true, "No device has"]]) {
    const attendance = { enabled, host: "127.0.0.1", port: 0 };
    using folder = cliFolder({ process_name: "no such game", attendance });
    await folder.cli("--once");
    assert((await folder.cli("devices", "list")).out.startsWith(String(words)));
  }
});

Deno.test("doctor says whether devices can call", async () => {
  using folder = cliFolder(config);
  assert.match((await folder.cli("doctor")).out, /^ok +devices +127\.0\.0\.1:0 is free$/m);
  {
    await using agent = await folder.start();
    const port = await portOf(agent.url);
    assert.match(
      (await folder.cli("doctor")).out,
      new RegExp(`^ok +devices +1 offline, listening at 127.0.0.1:${port}$`, "m"),
    );
  }
  using holder = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = holder.addr;
  const attendance = { ...config.attendance, port };
  using other = cliFolder({ ...config, attendance });
  const { out, code } = await other.cli("doctor");
  assert.equal(code, 1);
  assert.match(
    out,
    new RegExp(`^fail +devices +another program uses port ${port}, the vendor`, "m"),
  );
});
