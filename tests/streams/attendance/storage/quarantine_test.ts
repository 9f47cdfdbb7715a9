/** The quarantine's files: how much they may take, and how they go. @module */
import assert from "node:assert/strict";
import { instantOf } from "../../../../src/core/mod.ts";
import { tempDir } from "../../../support/temp.ts";
import { until } from "../../../support/until.ts";
import { Relay, type RelayOptions } from "../relay.ts";

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;

/** A relay in whose quarantine there is room for two files. */
const start = (options: RelayOptions = {}) =>
  Relay.start({
    config: { retention_days: 30 },
    deps: { limits: { messageBytes: 1_000, quarantineBytes: 2 * MIB } },
    ...options,
  });

const folderOf = (path: string) => path.replace("clockblock.db", "quarantine");
const files = (relay: Relay) =>
  [...Deno.readDirSync(folderOf(relay.store.path))].map(({ name }) => name).sort();
const entries = (relay: Relay) =>
  relay.rows("SELECT reason, file FROM device_quarantine ORDER BY seq");
const warned = (relay: Relay) =>
  relay.warnings.list().some(({ code }) => code === "attendance.quarantine");

let times = 0;
/** A body of 100 punches that is too large. */
async function post(relay: Relay): Promise<string> {
  const second = String(times++ % 60).padStart(2, "0");
  const lines = Array.from({ length: 100 }, (_, i) => `${i}\t2026-10-05 09:15:${second}\t0\t15\n`);
  return (await relay.iclock().post("ATTLOG", lines.join(""))).body;
}

async function prune(relay: Relay): Promise<void> {
  const now = instantOf(relay.clock.now());
  await relay.store.write(() => relay.stream.prune!(now, { left: () => true }));
}

Deno.test("A full quarantine takes no more files, and punches are stored and acknowledged all the same", async () => {
  await using relay = await start();
  for (let round = 0; round < 4; round++) assert.equal(await post(relay), "OK: 100");
  const device = await relay.registered();
  const record = Array.from({ length: 100 }, (_, i) => ({
    enrollid: i + 1,
    time: "2026-10-04 09:15:30",
  }));
  const answer = await device.ask({ cmd: "sendlog", sn: "DEV1", count: 100, logindex: 1, record });
  assert.equal(answer?.count, 100);
  assert.equal(relay.count("device_logs"), 500);
  assert.equal(files(relay).length, 2);
  const full = "and the quarantine is full";
  assert.deepEqual(entries(relay).map(({ reason, file }) => [reason, file !== null]), [
    ["larger than a body may be", true],
    ["larger than a body may be", true],
    [`larger than a body may be, ${full}`, false],
    [`larger than a message may be, ${full}`, false],
  ], "what is the same again has one entry");
  assert.match(relay.warnings.list()[0]!.message, /The quarantine is full \(2 MiB\).*remove/);
});

Deno.test("A file that outgrows the quarantine is removed, and its message acknowledged", async () => {
  await using relay = await start();
  const device = await relay.registered();
  const record = Array.from(
    { length: 9_000 },
    (_, i) => ({ id: i, text: "not so long ".repeat(20) }),
  );
  const answer = await device.ask({ cmd: "something", sn: "DEV1", record });
  assert.deepEqual(answer, { ret: "something", result: true });
  assert.deepEqual(files(relay), []);
  assert(warned(relay));
  assert.equal(await post(relay), "OK: 100");
  assert.equal(files(relay).length, 1, "a small one has room");
  assert(!warned(relay));
});

Deno.test("A quarantine has room again for what was removed from it, by hand or by retention", async () => {
  await using relay = await start();
  for (let round = 0; round < 3; round++) await post(relay);
  assert(warned(relay));
  Deno.removeSync(`${folderOf(relay.store.path)}/${files(relay)[0]}`);
  await post(relay);
  assert(!warned(relay));
  assert.equal(files(relay).length, 2);

  await post(relay);
  assert(warned(relay));
  await relay.store.write(() => relay.rows("UPDATE device_quarantine SET received_at = '2020'"));
  await prune(relay);
  await until(() => files(relay).length === 0, "the files are gone with their entries");
  await prune(relay);
  await until(() => !warned(relay), "the warning is over");
  await post(relay);
  assert.equal(files(relay).length, 1);
});

Deno.test("The start removes files that were never acknowledged, and nothing else", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const folder = folderOf(path);
  const whole: string[] = [];
  {
    await using relay = await start({ path });
    await post(relay);
    await post(relay);
    whole.push(...files(relay));
  }
  // As a kill leaves them: before the entry, and between the entry and the name.
  Deno.writeTextFileSync(`${folder}/2026-10-05T03-50-00-000Z-DEV1-9.txt.part`, "begun");
  Deno.renameSync(`${folder}/${whole[0]}`, `${folder}/${whole[0]}.part`);
  Deno.writeTextFileSync(`${folder}/notes.txt.part`, "mine");
  await using relay = await start({ path });
  assert.deepEqual(files(relay), [...whole, "notes.txt.part"]);
  await post(relay);
  assert.deepEqual(files(relay), [...whole, "notes.txt.part"], "it counts what is there");
  assert(warned(relay));
});

Deno.test("Retention removes files that have lost their entries, when these would be gone", async () => {
  await using relay = await start();
  await post(relay);
  const [fresh] = files(relay);
  const name = (days: number) => {
    const time = instantOf(relay.clock.now() - days * DAY_MS).replaceAll(/[:.]/g, "-");
    return `${time}-DEV1-1.txt`;
  };
  for (const file of [name(33), name(29), "2020-notes.txt"]) {
    Deno.writeTextFileSync(`${folderOf(relay.store.path)}/${file}`, "text");
  }
  await prune(relay);
  await until(() => !files(relay).includes(name(33)), "the old one is gone");
  assert.deepEqual(files(relay), ["2020-notes.txt", name(29), fresh].sort());
});

Deno.test("The quarantine keeps the same text once for each device", async () => {
  await using relay = await Relay.start({
    config: { devices: [{ sn: "DEV1", name: "Front" }, { sn: "DEV2", name: "Back" }] },
  });
  for (const sn of ["DEV1", "DEV2", "DEV1"]) await relay.iclock(sn).post("ATTLOG", "no punch\n");
  const kept = relay.rows("SELECT device_sn FROM device_quarantine ORDER BY seq");
  assert.deepEqual(kept.map(({ device_sn }) => device_sn), ["DEV1", "DEV2"]);
});
