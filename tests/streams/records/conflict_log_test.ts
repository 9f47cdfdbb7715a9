import assert from "node:assert/strict";
import { dirname } from "node:path";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { conflictLog } from "../../../src/streams/records/conflict_log.ts";
import { tempDir } from "../../support/temp.ts";

const NAMES = ["conflicts.log", ...[1, 2, 3, 4, 5].map((number) => `conflicts.log.${number}`)];

/** A log in a folder of its own; `say` resolves when its lines are written. */
function start({ maxBytes = 100 } = {}) {
  const dir = tempDir();
  const folder = `${dir.path}/logs`;
  const path = `${folder}/conflicts.log`;
  const open = () => {
    const write = conflictLog(path, { maxBytes });
    return async (...lines: string[]) => {
      lines.forEach(write);
      await Promise.resolve();
    };
  };
  const read = (name: string) => Deno.readTextFileSync(`${folder}/${name}`);
  const names = () => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  return {
    path,
    open,
    say: open(),
    read,
    names,
    /** All lines that are there, oldest first. */
    lines: () =>
      NAMES.toReversed().filter((name) => names().includes(name))
        .flatMap((name) => read(name).trimEnd().split("\n")),
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}

const line = (number: number) => `line ${String(number).padStart(4, "0")}`;
const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => line(from + i));

Deno.test("conflictLog makes its folder, and writes what is said together in order", async () => {
  using log = start();
  await log.say(line(1), line(2));
  await log.say(line(3));
  assert.equal(log.read("conflicts.log"), "line 0001\nline 0002\nline 0003\n");
});

Deno.test("conflictLog puts a large file aside, and keeps five", async () => {
  using log = start();
  // Ten lines of ten bytes a file.
  for (let number = 0; number < 65; number++) await log.say(line(number));
  assert.deepEqual(log.names(), NAMES);
  assert.deepEqual(log.lines(), lines(10, 65));
  assert.equal(log.read("conflicts.log"), lines(60, 65).map((text) => `${text}\n`).join(""));
  for (const name of NAMES) assert(log.read(name).length <= 100, name);
});

Deno.test("conflictLog counts what an earlier start left, in bytes", async () => {
  using log = start();
  await log.say("é".repeat(45));
  await log.open()(line(1));
  assert.deepEqual(log.names(), ["conflicts.log", "conflicts.log.1"]);
  assert.equal(log.read("conflicts.log"), "line 0001\n");
});

Deno.test("conflictLog takes any number of lines at once", async () => {
  using log = start({ maxBytes: 200_000 });
  await log.say(...lines(0, 50_000));
  assert.deepEqual(log.names(), NAMES.slice(0, 3));
  assert.deepEqual(log.lines(), lines(0, 50_000));
});

Deno.test("conflictLog gives a line that is larger than a file one of its own", async () => {
  using log = start();
  const large = "x".repeat(500);
  await log.say(line(1));
  await log.say(large);
  await log.say(line(2));
  assert.deepEqual(log.lines(), [line(1), large, line(2)]);
  assert.deepEqual(log.names(), NAMES.slice(0, 3));
});

Deno.test("conflictLog goes on behind a line that a crash cut off, and over a missing number", async () => {
  using log = start();
  for (let number = 0; number < 35; number++) await log.say(line(number));
  Deno.removeSync(`${log.path}.2`);
  Deno.truncateSync(log.path, 45);
  const say = log.open();
  await say(line(100), line(101));
  assert.match(log.read("conflicts.log"), /line 0033\nline \nline 0100\nline 0101\n$/);
  await say(...lines(102, 106));
  assert.deepEqual(log.names(), [
    "conflicts.log",
    "conflicts.log.1",
    "conflicts.log.2",
    "conflicts.log.4",
  ]);
});

Deno.test("conflictLog says once that it cannot be written, and goes on when it can", async () => {
  using log = start();
  const said: LogRecord[] = [];
  await configure({
    sinks: { said: (record) => said.push(record) },
    loggers: [
      { category: "clockblock", sinks: ["said"] },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  try {
    const folder = dirname(log.path);
    Deno.writeTextFileSync(folder, "in its way");
    for (let number = 0; number < 10; number++) await log.say(line(number));
    assert.equal(said.length, 1);
    Deno.removeSync(folder);
    await log.say(line(10));
    assert.equal(log.read("conflicts.log"), "line 0010\n");
  } finally {
    await reset();
  }
});
