import assert from "node:assert/strict";
import { redactor, secretsOf, startLogging } from "../../src/cli/logging.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { logger } from "../../src/core/mod.ts";
import { capturedIo } from "../support/process/captured_io.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { tempDir } from "../support/temp.ts";

const quiet = { level: "info", file: null, secrets: [] } as const;

Deno.test("startLogging writes text for people on a terminal", async () => {
  const io = capturedIo({ terminal: true });
  await using _log = await startLogging({ ...quiet, output: { ...io.stderr, color: false } });
  logger("sync").info("{count} rows pushed", { count: 40 });
  logger("sync").debug("too fine");
  assert.match(io.err, /^\d\d:\d\d:\d\d info {2}sync {7}40 rows pushed\n$/);
});

Deno.test("startLogging writes JSON lines elsewhere, an error without its stack", async () => {
  const io = capturedIo();
  await using _log = await startLogging({ ...quiet, output: io.stderr });
  logger("sync").error("{name} failed: {error}", { name: "push", error: new Error("no route") });
  const line = JSON.parse(io.err);
  assert.equal(line.level, "error");
  assert.equal(line.room, "sync");
  assert.equal(line.message, "push failed: no route");
  assert.deepEqual(line.error, { name: "Error", message: "no route" });
  assert.equal(new Date(line.time).toISOString(), line.time);
});

Deno.test("startLogging tells the stack to those who debug", async () => {
  const io = capturedIo();
  await using _log = await startLogging({ ...quiet, level: "debug", output: io.stderr });
  logger("sync").error("{error}", { error: new Error("no route") });
  assert.match(JSON.parse(io.err).error.stack, /logging_test/);
});

Deno.test("startLogging survives properties that JSON cannot say", async () => {
  const io = capturedIo();
  await using _log = await startLogging({ ...quiet, output: io.stderr });
  const ring: Record<string, unknown> = {};
  ring["ring"] = ring;
  logger("sync").info("hello", { ring });
  logger("sync").info("huge", { body: "x".repeat(100_000) });
  const lines = io.err.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ message }) => message), ["hello", "huge"]);
  assert(io.err.length < 20_000);
});

Deno.test("startLogging blots secrets out of text, properties and files", async () => {
  using dir = tempDir();
  const file = `${dir.path}/logs/clockblock.log`;
  const secret = 'pass "word" ä';
  const io = capturedIo();
  {
    await using _log = await startLogging({ ...quiet, output: io.stderr, file, secrets: [secret] });
    const log = logger("sync");
    log.info(`text ${secret}`);
    log.info("property {it}", { it: secret, nested: { deep: secret } });
    log.info(`url ?p=${encodeURIComponent(secret)}`);
    log.info("Authorization: Bearer abc.def-ghi");
    log.info("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln");
    log.error("{error}", { error: new Error(`bad ${secret}`) });
  }
  for (const text of [io.err, await Deno.readTextFile(file)]) {
    assert.equal(text.trimEnd().split("\n").length, 6);
    assert(!/word|abc\.def|eyJ/.test(text), text);
  }
});

Deno.test("redactor leaves short words and ordinary text alone", () => {
  assert.equal(redactor(["a", "in"])("a bear in a tree"), "a bear in a tree");
});

Deno.test("secretsOf finds the configuration's secrets", () => {
  const config = loadConfig({
    env: {
      CLOCKBLOCK_DEVICE_TOKEN: "token-1",
      CLOCKBLOCK_SUPABASE__URL: "https://x.supabase.co",
      CLOCKBLOCK_SUPABASE__KEY: "key-1",
      CLOCKBLOCK_SUPABASE__PASSWORD: "password-1",
    },
    cwd: "/nowhere",
  });
  assert.deepEqual(secretsOf(config), ["token-1", "key-1", "password-1"]);
});

Deno.test("startLogging keeps few and small files", async () => {
  using dir = tempDir();
  const file = `${dir.path}/logs/clockblock.log`;
  {
    const options = { ...quiet, output: capturedIo().stderr, file, maxBytes: 20_000 };
    await using _log = await startLogging(options);
    // More than the sink holds back, so that each batch is written before the next.
    for (let batch = 0; batch < 20; batch++) {
      logger("sync").info("batch {batch}: {filling}", { batch, filling: "x".repeat(5_000) });
      await appears(`batch ${batch}:`, `${dir.path}/logs`);
    }
  }
  const sizes = [...Deno.readDirSync(`${dir.path}/logs`)]
    .map(({ name }) => Deno.statSync(`${dir.path}/logs/${name}`).size);
  assert(sizes.length > 1 && sizes.length <= 6, `${sizes.length} files`);
  assert(Math.max(...sizes) < 30_000, `${sizes}`);
});

Deno.test("startLogging takes another level while it runs, for the output and the file", async () => {
  using dir = tempDir();
  const io = capturedIo();
  const file = `${dir.path}/logs/clockblock.log`;
  {
    await using log = await startLogging({ ...quiet, level: "warning", output: io.stderr, file });
    logger("here").info("one");
    log.setLevel("debug");
    logger("here").debug("two");
    log.setLevel("error");
    logger("here").warn("three");
  }
  for (const text of [Deno.readTextFileSync(file), io.err]) {
    assert.match(text, /two/);
    assert.doesNotMatch(text, /one|three/);
  }
});

Deno.test("startLogging writes conflicts whole to a file of their own, and nowhere else", async () => {
  using dir = tempDir();
  const io = capturedIo();
  const file = `${dir.path}/logs/clockblock.log`;
  const conflictsFile = `${dir.path}/logs/conflicts.log`;
  const remote = { text: "password-1", long: "x".repeat(20_000) };
  {
    const options = { ...quiet, level: "error" as const, secrets: ["password-1"] };
    await using _log = await startLogging({ ...options, output: io.stderr, file, conflictsFile });
    logger("conflicts").info("Conflict {id}", { id: 1, remote });
    logger("sync").error("something else");
  }
  assert.equal(Deno.readTextFileSync(conflictsFile), `${JSON.stringify({ id: 1, remote })}\n`);
  for (const text of [Deno.readTextFileSync(file), io.err]) {
    assert.match(text, /something else/);
    assert.doesNotMatch(text, /Conflict/);
  }
});

Deno.test("startLogging goes on without a file that cannot be written, and says so once", async () => {
  using dir = tempDir();
  Deno.writeTextFileSync(`${dir.path}/logs`, "a file where the folder should be");
  const io = capturedIo();
  await using _log = await startLogging({
    ...quiet,
    output: io.stderr,
    file: `${dir.path}/logs/clockblock.log`,
  });
  for (let line = 0; line < 3; line++) logger("sync").info("still here");
  const lines = io.err.trimEnd().split("\n");
  assert.equal(lines.filter((line) => line.includes("still here")).length, 3);
  assert.equal(lines.filter((line) => line.startsWith("Cannot write the log")).length, 1);
});

Deno.test("startLogging tries the file again after 30 s of work, whatever the clock is set to", async () => {
  using dir = tempDir();
  const folder = `${dir.path}/logs`;
  const file = `${folder}/clockblock.log`;
  Deno.writeTextFileSync(folder, "a file where the folder should be");
  const io = capturedIo();
  const clock = new FakeClock();
  {
    await using _log = await startLogging({ ...quiet, output: io.stderr, file, clock });
    logger("sync").info("lost");
    Deno.removeSync(folder);
    clock.set(clock.now() + 3_600_000);
    logger("sync").info("too early");
    await clock.advance(29_000);
    clock.set("2026-01-01T00:00:00.000Z");
    logger("sync").info("still too early");
    assert.deepEqual([...Deno.readDirSync(dir.path)], []);
    await clock.advance(1_000);
    logger("sync").info("in time");
    logger("sync").info("and on");
  }
  const lines = Deno.readTextFileSync(file).trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ message }) => message), ["in time", "and on"]);
  assert.equal(io.err.split("\n").filter((line) => line.startsWith("Cannot write")).length, 1);
});

Deno.test({
  name: "startLogging survives a disk that is full",
  // Linux has a file that is always full.
  ignore: Deno.build.os !== "linux",
  async fn() {
    const io = capturedIo();
    await using _log = await startLogging({ ...quiet, output: io.stderr, file: "/dev/full" });
    const told = () => io.err.split("\n").filter((line) => line.startsWith("Cannot write the log"));
    const deadline = performance.now() + 30_000;
    while (told().length === 0 && performance.now() < deadline) {
      logger("sync").info("{filling}", { filling: "x".repeat(9_000) });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    logger("sync").info("still here");
    assert.match(
      told()[0] ?? "nothing",
      /\/dev\/full: No space left on device.*Going on without it/,
    );
    assert.equal(told().length, 1);
    assert(io.err.includes("still here"));
  },
});

Deno.test("startLogging makes no file before it is released, and then loses no line", async () => {
  using dir = tempDir();
  const file = `${dir.path}/logs/clockblock.log`;
  {
    const output = capturedIo().stderr;
    await using log = await startLogging({ ...quiet, output, file, held: true });
    logger("store").info("first");
    assert.deepEqual([...Deno.readDirSync(dir.path)], []);
    log.release();
    logger("store").info("second");
  }
  const lines = Deno.readTextFileSync(file).trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ message }) => message), ["first", "second"]);
});

Deno.test("startLogging shows less on the terminal than it keeps, where told so", async () => {
  const io = capturedIo();
  await using _log = await startLogging({ ...quiet, output: io.stderr, outputLevel: "warning" });
  logger("store").info("fine");
  logger("store").warn("odd");
  assert.equal(io.err.trimEnd().split("\n").length, 1);
});

/** Waits until a file of the folder holds the text. */
async function appears(text: string, folder: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  const found = () =>
    [...Deno.readDirSync(folder)]
      .some(({ name }) => Deno.readTextFileSync(`${folder}/${name}`).includes(text));
  while (!found()) {
    if (performance.now() > deadline) throw new Error(`"${text}" was not written`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test("startLogging lets no value begin a line of its own or steer a terminal", async () => {
  const host = 'evil\r\n{"level":"info"}\x1b[2J\x9b31m\u202e';
  for (const terminal of [true, false]) {
    const io = capturedIo({ terminal });
    await using _log = await startLogging({ ...quiet, output: { ...io.stderr, color: false } });
    logger("api").warn("Refused {host}", { host });
    // deno-lint-ignore no-control-regex -- that is what must not be there
    assert.match(io.err, /^[^\x00-\x1f\x7f-\x9f\u202e]+\n$/);
  }
});
