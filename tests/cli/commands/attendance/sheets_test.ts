import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { cliFolder, type Folder } from "../../../support/process/cli.ts";

const CONFIG = {
  process_name: "no such game",
  time_zone: "UTC",
  attendance: { devices: [{ sn: "DEV1", name: "Front door" }, { sn: "DEV2", name: "Gate" }] },
};

/** Punches at the front door, `1001 Zoe 2026-03-02T09:15:00`, in a folder where no agent runs. */
async function folderWith(...written: string[]): Promise<Folder> {
  const folder = cliFolder(CONFIG);
  await folder.cli("--once");
  using db = new DatabaseSync(`${folder.path}/clockblock.db`);
  const insert = db.prepare(
    `INSERT INTO device_logs (id, device_sn, person_id, device_time, time_zone, punched_at,
       received_at, raw) VALUES (?, 'DEV1', ?, ?, 'UTC', ?, ?, '{}')`,
  );
  const add = db.prepare(
    `INSERT OR IGNORE INTO people (person_id, name, active, source, updated_at)
     VALUES (?, ?, 1, 'device', ?)`,
  );
  for (const [index, text] of written.entries()) {
    const [person, name, time] = text.split(" ");
    const at = `${time}.000Z`;
    insert.run(`p${index}`, person!, time!.replace("T", " "), at, at);
    add.run(person!, name!, at);
  }
  return folder;
}

const agoText = (hours: number) =>
  new Date(Date.now() - hours * 3_600_000).toISOString().slice(0, 19);

Deno.test("attendance presence prints a list to take along, without an agent", async () => {
  const since = agoText(2);
  using folder = await folderWith(
    `1001 Zoe ${since}`,
    `1002 Adam ${agoText(3)}`,
    `1003 Gone ${agoText(5)}`,
    `1003 Gone ${agoText(4)}`,
  );
  const { code, out } = await folder.cli("attendance", "presence");
  assert.equal(code, 0);
  const [head, note, , adam, zoe, , offline, front, gate] = out.split("\n");
  assert.match(head!, /^Inside: 2 {3}as of \d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} UTC$/);
  assert.equal(note, "The agent does not run: nothing is recorded just now.");
  assert.match(adam!, /^\[ \] {2}Adam {2}1002 +since .* Front door$/);
  assert.equal(
    zoe!.replaceAll(/ +/g, " "),
    `[ ] Zoe 1001 since ${since.slice(0, 16).replace("T", " ")} Front door`,
  );
  assert.match(offline!, /^Offline: who went through these doors since then is not known/);
  assert.match(front!, /^ {2}Front door {2}never seen$/);
  assert.match(gate!, /^ {2}Gate {8}never seen$/);
  const json = JSON.parse((await folder.cli("attendance", "presence", "--json")).out);
  assert.equal(json.count, 2);
});

Deno.test("attendance presence prints who was last seen at a device with a wrong clock apart", async () => {
  const came = agoText(2);
  using folder = await folderWith(`1001 Zoe ${agoText(3)}`, `1002 Adam ${came}`);
  {
    using db = new DatabaseSync(`${folder.path}/clockblock.db`);
    db.exec("UPDATE device_logs SET time_suspect = 1 WHERE person_id = '1002'");
  }
  const { out } = await folder.cli("attendance", "presence");
  const [head, , , zoe, , words, adam] = out.split("\n");
  assert.match(head!, /^Inside: 1 /);
  assert.match(zoe!, /^\[ \] {2}Zoe /);
  assert.equal(words, "May be inside: seen at a device with a wrong clock.");
  assert.equal(
    adam!.replaceAll(/ +/g, " "),
    `[ ] Adam 1002 sent ${came.slice(0, 16).replace("T", " ")} Front door`,
  );
});

Deno.test("attendance days and months print who was there for how long, and what is missing", async () => {
  using folder = await folderWith(
    "1001 Zoe 2026-03-02T09:00:00",
    "1001 Zoe 2026-03-02T17:30:00",
    "1002 Adam 2026-03-02T09:00:00",
  );
  const days = await folder.cli("attendance", "days", "--from", "2026-03-01", "--to", "2026-03-02");
  assert.deepEqual(days.out.split("\n").map((line) => line.trim().replaceAll(/ +/g, " ")), [
    "2026-03-02 Adam 09:00 --:-- 0:00 exit missing",
    "2026-03-02 Zoe 09:00 17:30 8:30",
    "",
  ]);
  const months = await folder.cli(
    "attendance",
    "months",
    "--from",
    "2026-03",
    "--to",
    "2026-03",
    "--person",
    "1002",
  );
  assert.equal(months.out.replaceAll(/ +/g, " "), "2026-03 Adam 1 day 0:00 exit missing (1)\n");
});

Deno.test("attendance export prints CSV as the API has it, and says what is no day or month", async () => {
  using folder = await folderWith("1001 =Zoe 2026-03-02T09:00:00", "1001 =Zoe 2026-03-02T17:30:00");
  const range = ["--from", "2026-03-02", "--to", "2026-03-02"];
  const { out } = await folder.cli("attendance", "export", ...range, "--bom");
  assert.equal(out.slice(0, 16), "\uFEFFdate,person_id,");
  assert.match(out, /\r\n2026-03-02,1001,'=Zoe,,2026-03-02 09:00:00,2026-03-02 17:30:00,510,/);
  for (
    const [args, message] of [
      [["--from", "2026-02-30"], /"2026-02-30" is not a day/],
      [["--what", "months", "--from", "2026-03-02"], /"2026-03-02" is not a month/],
    ] as const
  ) {
    const wrong = await folder.cli("attendance", "export", ...args);
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, message);
  }
});
