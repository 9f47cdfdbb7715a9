import assert from "node:assert/strict";
import {
  type Journal,
  noteSuspicion,
  readJournal,
  removeJournal,
  writeJournal,
} from "../../../src/store/recovery/journal.ts";
import { tempDir } from "../../support/temp.ts";

const repair = { damage: "cut", at: "2026-03-05T08:30:00.000Z", unfinished: true } as const;

const before: Readonly<Record<string, [was: Journal | undefined, is: Journal]>> = {
  "notes a suspicion": [undefined, { step: "suspected", finding: "odd" }],
  "keeps a repair that is under way": [
    { step: "restored", repair },
    { step: "suspected", finding: "odd", repair },
  ],
  "keeps what became of the file": [
    { step: "displaced", finding: "deleted" },
    { step: "displaced", finding: "deleted" },
  ],
};

for (const [what, [was, is]] of Object.entries(before)) {
  Deno.test(`noteSuspicion ${what}`, () => {
    using dir = tempDir();
    const path = `${dir.path}/clockblock.db`;
    if (was) writeJournal(path, was);
    noteSuspicion(path, "odd");
    assert.deepEqual(readJournal(path), is);
    removeJournal(path);
    assert.deepEqual([...Deno.readDirSync(dir.path)], []);
  });
}

Deno.test("readJournal knows what a file was displaced by in version 0.2.0, and prefers it to a suspicion", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  Deno.writeTextFileSync(`${path}.suspect`, "odd");
  assert.deepEqual(readJournal(path), { step: "suspected", finding: "odd" });
  Deno.writeTextFileSync(`${path}.displaced`, "deleted");
  assert.deepEqual(readJournal(path), { step: "displaced", finding: "deleted" });
  removeJournal(path);
  assert.equal(readJournal(path), undefined);
});
