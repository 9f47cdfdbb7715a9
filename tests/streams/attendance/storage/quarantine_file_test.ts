import assert from "node:assert/strict";
import {
  countedBytes,
  QuarantineFile,
  QuarantineRoom,
} from "../../../../src/streams/attendance/storage/quarantine_file.ts";
import { tempDir } from "../../../support/temp.ts";

const MIB = 1024 * 1024;

function quarantine(maxBytes: number) {
  const dir = tempDir();
  let fullTimes = 0;
  const room = new QuarantineRoom(maxBytes, () => fullTimes++);
  return {
    room,
    open: (name: string) => new QuarantineFile(`${dir.path}/${name}`, { name, room }),
    files: () => [...Deno.readDirSync(dir.path)].map(({ name }) => name).sort(),
    text: (name: string) => Deno.readTextFileSync(`${dir.path}/${name}`),
    fullTimes: () => fullTimes,
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}

Deno.test("QuarantineFile has another name until its entry is stored, and all that was written", async () => {
  using at = quarantine(4 * MIB);
  const file = at.open("one");
  await file.write("first\n");
  await file.write("second ä\n");
  assert.deepEqual(at.files(), ["one.part"]);
  await file.finish();
  assert.deepEqual(at.files(), ["one.part"]);
  await file.keep();
  assert.deepEqual(at.files(), ["one"]);
  assert.equal(at.text("one"), "first\nsecond ä\n");
  // What is kept stays.
  await file.discard();
  assert.deepEqual(at.files(), ["one"]);
  assert.deepEqual(file.entry("too large", "DEV1"), {
    unreadable: [{ reason: "too large", raw: "one DEV1" }],
    file: "one",
  });
});

Deno.test("QuarantineFile keeps no password that a message has", async () => {
  using at = quarantine(4 * MIB);
  const file = at.open("one");
  await file.write('{"cmd":"setuserinfo","backupnum":10,"record":"1234567"}\n');
  await file.finish();
  assert.ok(!at.text("one.part").includes("1234567"), at.text("one.part"));
  await file.discard();
});

Deno.test("QuarantineFile gives its room back when it is discarded, once", async () => {
  using at = quarantine(MIB);
  for (const name of ["one", "two"]) {
    const file = at.open(name);
    assert.equal(file.full, false, name);
    await file.write("text");
    await file.discard();
    await file.discard();
    assert.deepEqual(at.files(), []);
  }
  assert.equal(at.fullTimes(), 0);
});

Deno.test("QuarantineFile counts as a MiB at least: a third has no room beside two small ones", async () => {
  using at = quarantine(2 * MIB);
  for (const name of ["one", "two"]) {
    const file = at.open(name);
    await file.write("text");
    await file.finish();
    await file.keep();
  }
  const third = at.open("three");
  assert.deepEqual([third.full, at.room.full, at.fullTimes()], [true, true, 1]);
  await third.write("text");
  await third.finish();
  await third.keep();
  assert.deepEqual(at.files(), ["one", "two"]);
  assert.deepEqual(third.entry("too large", "DEV1"), {
    unreadable: [{ reason: "too large, and the quarantine is full", raw: "DEV1" }],
  });
  at.room.forget(countedBytes(4));
  assert.equal(at.open("four").full, false);
});

Deno.test("QuarantineFile is removed as soon as it outgrows the room, which others have again", async () => {
  using at = quarantine(2 * MIB);
  const large = at.open("large");
  // Words: what has no end would be taken for a photo.
  await large.write("word\n".repeat(MIB / 5));
  await large.write("word\n".repeat(MIB / 5));
  assert.equal(large.full, false, "as much as there is");
  await large.write("one word more\n");
  assert.equal(large.full, true);
  assert.deepEqual(at.files(), []);
  for (const name of ["one", "two"]) assert.equal(at.open(name).full, false, name);
  assert.equal(at.open("three").full, true);
});

Deno.test("QuarantineFile that cannot be made takes no room", () => {
  using at = quarantine(MIB);
  assert.throws(() => at.open("nowhere/one"), Deno.errors.NotFound);
  assert.equal(at.open("two").full, false);
});
