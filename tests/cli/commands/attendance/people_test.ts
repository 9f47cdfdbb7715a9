import assert from "node:assert/strict";
import { cliFolder } from "../../../support/process/cli.ts";

const CSV = 'Emp Code;Name;Dept\r\n7;Zo\u00eb "Z;Sales\r\n8;Bo;Store\r\n9;Zo\u00eb;Sales\r\n';
const windows1252 = Uint8Array.from(CSV, (character) => character.charCodeAt(0));

/** A folder with a database and a list. */
async function office() {
  const folder = cliFolder({ process_name: "no such game" });
  await folder.cli("--once");
  Deno.writeFileSync(`${folder.path}/list.csv`, windows1252);
  return folder;
}

Deno.test("people import shows what a list would change, then does it, once", async () => {
  using folder = await office();
  const dry = await folder.cli("people", "import", "list.csv", "--dry-run");
  assert.deepEqual([dry.code, dry.err], [
    0,
    "line 2: a quotation mark is open, or stands inside a cell\n",
  ]);
  assert.equal(
    dry.out,
    "+ 8: Bo, Store\n+ 9: Zo\u00eb, Sales\n2 would be new, 0 would change, 0 as before, 1 lines with a problem\n",
  );
  assert.match((await folder.cli("people", "list")).out, /No device has sent/);
  const { out } = await folder.cli("people", "import", "list.csv");
  assert.match(out, /2 new, 0 changed, 0 as before/);
  const again = await folder.cli("people", "import", "list.csv", "--json");
  const { added, changed, unchanged, problems } = JSON.parse(again.out);
  assert.deepEqual([added, changed, unchanged, problems.length], [[], [], 2, 1]);
});

Deno.test("people set names a person, people list shows everyone, also through the agent that runs", async () => {
  using folder = await office();
  await using _agent = await folder.start();
  const set = await folder.cli(
    ...[
      "people",
      "set",
      "7",
      "--name",
      "Ann",
      "--department",
      "Sales",
      "--alias",
      "1007",
      "--no-active",
    ],
  );
  assert.deepEqual([set.code, set.out], [0, "7: Ann, Sales, also 1007, has left\n"]);
  assert.match((await folder.cli("people", "list")).out, /^7 1007 +Ann +Sales +has left/);
  const [person] = JSON.parse((await folder.cli("people", "list", "--json")).out);
  assert.deepEqual([person.person_id, person.source], ["7", "person"]);
  const taken = await folder.cli("people", "set", "8", "--alias", "1007");
  assert.equal(taken.code, 1);
  assert.match(taken.err, /"1007" is an alias of "7"/);
});

Deno.test("people erase asks first, people export prints what there is before", async () => {
  using folder = await office();
  await folder.cli("people", "set", "7", "--name", "Ann");
  assert.equal(JSON.parse((await folder.cli("people", "export", "7")).out).person.name, "Ann");
  const { code, err } = await folder.cli("people", "erase", "7");
  assert.equal(code, 2);
  assert.match(err, /--yes/);
  assert.match((await folder.cli("people", "erase", "7", "--yes")).out, /^7: Ann: erased, with 0 /);
  const gone = await folder.cli("people", "export", "7");
  assert.equal(gone.code, 1);
  assert.match(gone.err, /No such person/);
});

Deno.test("people import says which file there is not, and that a list has no ids", async () => {
  using folder = await office();
  const missing = await folder.cli("people", "import", "lost.csv");
  assert.deepEqual([missing.code, missing.err], [
    2,
    'Cannot import "lost.csv": there is no such file\n',
  ]);
  Deno.writeTextFileSync(`${folder.path}/names.csv`, "name\nAnn\n");
  const { code, err } = await folder.cli("people", "import", "names.csv");
  assert.equal(code, 1);
  assert.match(err, /no column is headed person_id/);
});
