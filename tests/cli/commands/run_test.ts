import assert from "node:assert/strict";
import { main } from "../../../src/cli/mod.ts";
import { capturedIo } from "../../support/process/captured_io.ts";
import { ownMs } from "../../support/process/own_time.ts";
import { tempDir } from "../../support/temp.ts";

/** A process that certainly runs, and one that certainly does not. */
const running = Deno.build.os === "windows" ? "deno.exe" : "deno";

function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("run says where the API is in one line, serves it, and stops in time with code 0", async () => {
  using dir = tempDir();
  const io = capturedIo({ cwd: dir.path });
  const ended = main(["--api-port", "0", "--poll-interval-sec", "1"], { io });
  const [line, url] = await io.printed(/^ClockBlock \S+ is running: (http:\/\/127\.0\.0\.1:\d+)\n/);
  const status = await fetch(`${url}/status`).then((response) => response.json());
  assert.equal(typeof status.device_id, "string");
  const tookMs = await ownMs(() => {
    io.stop();
    return ended;
  });
  assert.equal(await ended, 0);
  assert(tookMs < 2_000, `${tookMs} ms`);
  assert.equal(io.out, line);
  assert.deepEqual(filesIn(`${dir.path}/logs`), ["clockblock.log"]);
});

Deno.test("run ends at once when told to a second time, and says so by its code", async () => {
  using dir = tempDir();
  const io = capturedIo({ cwd: dir.path });
  const ended = main(["run", "--api-port", "0"], { io });
  await io.printed(/is running/);
  io.stop("SIGTERM");
  io.stop("SIGTERM");
  assert.equal(await ended, 1);
});

Deno.test("run --once stores one heartbeat and prints it", async () => {
  using dir = tempDir();
  const io = capturedIo({ cwd: dir.path });
  assert.equal(await main(["--once", "--process-name", running], { io }), 0);
  const heartbeat = JSON.parse(io.out);
  assert.equal(heartbeat.is_playing, true);
  assert.equal(heartbeat.poll_interval_sec, 5);
  assert(filesIn(dir.path).includes("clockblock.db"));
  assert.equal(io.err, "");
});

Deno.test("run --once --dry-run prints a heartbeat and leaves nothing behind", async () => {
  using dir = tempDir();
  const io = capturedIo({ cwd: dir.path });
  const args = ["--once", "--dry-run", "--process-name", "no such game"];
  assert.equal(await main(args, { io }), 0);
  assert.equal(JSON.parse(io.out).is_playing, false);
  assert.deepEqual(filesIn(dir.path), []);
});

Deno.test("run --dry-run prints each heartbeat as a line and leaves nothing behind", async () => {
  using dir = tempDir();
  const io = capturedIo({ cwd: dir.path });
  const ended = main(["--dry-run", "--api-port", "0", "--poll-interval-sec", "1"], { io });
  await io.printed(/.+\n.+\n/);
  io.stop();
  assert.equal(await ended, 0);
  for (const line of io.out.trimEnd().split("\n")) {
    assert.equal(typeof JSON.parse(line).timestamp_utc, "string");
  }
  assert.deepEqual(filesIn(dir.path), []);
});
