/** Devices as the API changes, removes and asks them, with real devices on the line. @module */
import assert from "node:assert/strict";
import { Problem } from "../../../src/core/mod.ts";
import { tempDir } from "../../support/temp.ts";
import { Relay } from "./relay.ts";

const LINE = "1001\t2026-10-05 09:15:30\t0\t15\t\t0\t0\n";
const CONFIG = { unknown: "approve" as const };

interface Command {
  id: number;
  command: string;
  state: string;
  result: string | null;
  ended_at: string | null;
}

const ask = (relay: Relay, sn: string, body: unknown) =>
  relay.api("POST", "/devices/{sn}/commands", { params: { sn }, body }) as Promise<Command>;
const commands = (relay: Relay, sn: string) =>
  relay.api("GET", "/devices/{sn}/commands", {
    params: { sn },
    query: { limit: 50 },
  }) as Promise<Command[]>;
const outcome = async (relay: Relay, sn: string) => {
  const [{ state, result }] = await commands(relay, sn) as [Command];
  return { state, result };
};
const patch = (relay: Relay, sn: string, body: unknown) =>
  relay.api("PATCH", "/devices/{sn}", { params: { sn }, body });
const remove = (relay: Relay, sn: string) =>
  relay.api("DELETE", "/devices/{sn}", { params: { sn } });

function is(status: number, words: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof Problem, String(error));
    assert.equal(error.status, status);
    assert.match(error.message, words);
    return true;
  };
}

Deno.test("PATCH /devices changes name, zone and role, and they last", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  {
    await using relay = await Relay.start({ path, config: CONFIG });
    await relay.iclock("DEV2").poll();
    await patch(relay, "DEV2", { name: "Back door", time_zone: "Asia/Dubai", role: "exit" });
    const { name, time_zone, role } = (await relay.device("DEV2"))!;
    assert.deepEqual({ name, time_zone, role }, {
      name: "Back door",
      time_zone: "Asia/Dubai",
      role: "exit",
    });
    await patch(relay, "DEV2", { role: "both" });
  }
  await using relay = await Relay.start({ path, config: CONFIG });
  const { name, time_zone, role } = (await relay.device("DEV2"))!;
  assert.deepEqual({ name, time_zone, role }, {
    name: "Back door",
    time_zone: "Asia/Dubai",
    role: "both",
  });
  await patch(relay, "DEV2", { time_zone: null });
  assert.equal((await relay.device("DEV2"))!.time_zone, "Asia/Kolkata");
  assert.equal((await relay.device("DEV2"))!.name, "Back door");
});

Deno.test("PATCH and DELETE /devices leave to the configuration what stands there", async () => {
  await using relay = await Relay.start({
    config: { devices: [{ sn: "DEV1", name: "Front door", role: "entrance" }] },
  });
  await assert.rejects(patch(relay, "DEV1", { role: "exit" }), is(409, /role is "entrance"/));
  await assert.rejects(patch(relay, "DEV1", { name: "x" }), is(409, /name is "Front door"/));
  await patch(relay, "DEV1", { time_zone: "Asia/Dubai" });
  await assert.rejects(remove(relay, "DEV1"), is(409, /in attendance.devices/));
  await assert.rejects(remove(relay, "DEV9"), is(404, /no device "DEV9"/));
});

Deno.test("DELETE /devices removes a device for good, while it is connected; its punches stay", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  {
    await using relay = await Relay.start({ path, config: CONFIG });
    const device = await relay.registered("DEV2");
    const time = "2026-10-05 09:15:30";
    await device.ask({ cmd: "sendlog", sn: "DEV2", count: 1, record: [{ enrollid: 7, time }] });
    await ask(relay, "DEV2", { command: "set_clock" });
    await remove(relay, "DEV2");
    await device.hear();
    assert.equal(await relay.device("DEV2"), undefined);
    assert.deepEqual(relay.messages.findLast(({ topic }) => topic === "devices")?.data, {
      sn: "DEV2",
      removed: true,
    });
    assert.equal(relay.count("device_commands"), 0);
    await relay.advance(11_000);
    assert.equal(relay.punches().length, 1);
  }
  await using relay = await Relay.start({ path });
  assert.equal(await relay.device("DEV2"), undefined);
  assert.equal((await relay.iclock("DEV2").post("ATTLOG", LINE)).status, 503);
  assert.equal((await relay.device("DEV2"))!.state, "pending");
});

Deno.test("POST /devices/{sn}/commands: an iclock device is sent each, and answers", async () => {
  await using relay = await Relay.start({ config: CONFIG });
  const device = relay.iclock("DEV2");
  await device.poll();
  const restart = await ask(relay, "DEV2", { command: "restart" });
  assert.equal(restart.state, "waiting");
  assert.equal((await ask(relay, "DEV2", { command: "restart" })).id, restart.id);
  assert.equal((await device.poll()).body, `C:${restart.id}:REBOOT\n`);
  assert.deepEqual(await outcome(relay, "DEV2"), { state: "sent", result: null });
  await device.handshake("options=all");
  assert.deepEqual(await outcome(relay, "DEV2"), { state: "done", result: "restarted" });

  const clock = await ask(relay, "DEV2", { command: "set_clock" });
  assert.equal((await device.poll()).body, `C:${clock.id}:CHECK\n`);
  await device.done(`ID=${clock.id}&Return=0&CMD=CHECK\n`);
  assert.equal((await outcome(relay, "DEV2")).state, "done");

  const again = await ask(relay, "DEV2", { command: "set_clock" });
  await device.poll();
  await device.done(`ID=${again.id}&Return=-1002&CMD=CHECK\n`);
  assert.deepEqual(await outcome(relay, "DEV2"), {
    state: "failed",
    result: "the device answered -1002: it does not understand the command",
  });
  const [last] = await commands(relay, "DEV2");
  assert.equal(last!.ended_at, "2026-10-05T03:50:00.000Z");
});

Deno.test("A device's commands are answered as they are, also while the database is behind", async () => {
  await using relay = await Relay.start({ config: CONFIG });
  const device = relay.iclock("DEV2");
  await device.poll();
  await ask(relay, "DEV2", { command: "restart" });
  const gate = Promise.withResolvers<void>();
  relay.store.gate = gate.promise;
  await device.poll();
  assert.deepEqual(await outcome(relay, "DEV2"), { state: "sent", result: null });
  gate.resolve();
});

Deno.test("read_log is done when an iclock device begins again, not when it says so", async () => {
  await using relay = await Relay.start({ config: CONFIG });
  const device = relay.iclock("DEV2");
  await device.post("ATTLOG", LINE, { stamp: "100" });
  const read = await ask(relay, "DEV2", { command: "read_log" });
  assert.equal((await device.poll()).body, `C:${read.id}:CHECK\n`);
  await device.done(`ID=${read.id}&Return=0&CMD=CHECK\n`);
  assert.equal((await outcome(relay, "DEV2")).state, "sent");
  await relay.skip(301_000);
  assert.equal((await device.poll()).body, "OK");
  assert.match((await device.handshake("options=all")).body, /^ATTLOGStamp=0$/m);
  assert.equal((await outcome(relay, "DEV2")).state, "done");
});

Deno.test("send_name cannot smuggle a second command or field into an iclock device's answer", async () => {
  await using relay = await Relay.start({ config: CONFIG });
  const aiface = await relay.registered("DEV1");
  const name = "Asha\tPri=14\nC:99:SHELL rm";
  const time = "2026-10-05 09:15:30";
  await aiface.ask({
    cmd: "sendlog",
    sn: "DEV1",
    count: 1,
    record: [{ enrollid: 7, name, time }],
  });
  const device = relay.iclock("DEV2");
  await device.poll();
  const { id } = await ask(relay, "DEV2", { command: "send_name", person_id: "7" });
  const { body } = await device.poll();
  assert.match(body, new RegExp(`^C:${id}:DATA UPDATE USERINFO PIN=7\tName=Asha[^\t\n]*\n$`));
  await device.done(`ID=${id}&Return=0&CMD=DATA\n`);
  assert.deepEqual(await outcome(relay, "DEV2"), { state: "done", result: "took the name" });
  await assert.rejects(
    ask(relay, "DEV2", { command: "send_name", person_id: "8" }),
    is(409, /no name of "8"/),
  );
});

Deno.test("An AiFace device is sent one command at a time, between two requests for punches", async () => {
  await using relay = await Relay.start({ config: { pull_interval_min: 0 } });
  const device = await relay.registered();
  const time = "2026-10-05 09:15:30";
  const record = [{ enrollid: 7, name: "Asha", time }];
  await device.ask({ cmd: "sendlog", sn: "DEV1", count: 1, record });
  await ask(relay, "DEV1", { command: "set_clock" });
  await ask(relay, "DEV1", { command: "send_name", person_id: "7" });
  await relay.advance(1_000);
  const set = await device.hear();
  assert.equal(set!.cmd, "settime");
  assert.match(String(set!.cloudtime), /^2026-10-05 09:20:0\d$/);
  await relay.advance(2_000);
  await device.say({ ret: "settime", sn: "DEV1", result: true });
  assert.ok(await device.silence());
  await relay.advance(1_000);
  assert.deepEqual(await device.hear(), {
    cmd: "setusername",
    count: 1,
    record: [{ enrollid: 7, name: "Asha" }],
  });
  await device.say({ ret: "setusername", sn: "DEV1", result: false, reason: 3 });
  assert.ok(await device.silence());
  const [name, clock] = await commands(relay, "DEV1");
  assert.deepEqual([name!.state, name!.result], ["failed", "the device refused: 3"]);
  assert.deepEqual([clock!.state, clock!.result], ["done", "set its clock"]);
});

Deno.test("An AiFace device that does not answer a command fails it, and is asked the next", async () => {
  await using relay = await Relay.start({ config: { pull_interval_min: 0 } });
  const device = await relay.registered();
  await ask(relay, "DEV1", { command: "set_clock" });
  await relay.advance(1_000);
  assert.equal((await device.hear())!.cmd, "settime");
  await relay.advance(15_000);
  assert.ok(await device.silence());
  await relay.advance(7_000);
  assert.deepEqual(await outcome(relay, "DEV1"), {
    state: "failed",
    result: "the device did not answer in 20 seconds",
  });
});

Deno.test("A restart of an AiFace device is done when it registers again", async () => {
  await using relay = await Relay.start({ config: { pull_interval_min: 0 } });
  const device = await relay.registered();
  await ask(relay, "DEV1", { command: "restart" });
  await relay.advance(1_000);
  assert.deepEqual(await device.hear(), { cmd: "reboot" });
  assert.equal((await outcome(relay, "DEV1")).state, "sent");
  await relay.registered();
  assert.deepEqual(await outcome(relay, "DEV1"), { state: "done", result: "restarted" });
});

Deno.test("read_log has an AiFace device asked for its punches, and is done when they came", async () => {
  await using relay = await Relay.start({ config: { pull_interval_min: 0 } });
  const device = await relay.registered();
  await ask(relay, "DEV1", { command: "read_log" });
  await relay.advance(1_000);
  assert.equal((await device.hear())!.cmd, "getalllog");
  assert.equal((await commands(relay, "DEV1"))[0]!.ended_at, null);
  await device.say({ ret: "getalllog", sn: "DEV1", result: true, count: 0, record: [] });
  assert.ok(await device.silence());
  assert.equal((await outcome(relay, "DEV1")).state, "done");
});

Deno.test("A command outlives a restart of the agent, and expires after an hour", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  {
    await using relay = await Relay.start({ path });
    await ask(relay, "DEV1", { command: "set_clock" });
  }
  await using relay = await Relay.start({ path });
  assert.equal((await relay.iclock().poll()).body, "C:1:CHECK\n");
  await relay.skip(3_601_000);
  await relay.advance(11_000);
  assert.deepEqual(await outcome(relay, "DEV1"), {
    state: "expired",
    result: "the device did not say within an hour that it is done",
  });
});

Deno.test("What cannot be asked is refused with the reason", async () => {
  await using relay = await Relay.start({ deps: { clockOffsetMs: () => 90_000 } });
  await assert.rejects(ask(relay, "DEV1", { command: "set_clock" }), is(409, /own clock/));
  await relay.iclock("DEV2").poll();
  await assert.rejects(ask(relay, "DEV2", { command: "restart" }), is(409, /is pending/));
  await assert.rejects(ask(relay, "DEV9", { command: "restart" }), is(404, /no device/));
});
