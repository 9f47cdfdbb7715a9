import assert from "node:assert/strict";
import { Progress } from "../../src/cli/progress.ts";
import { capturedIo } from "../support/process/captured_io.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";

Deno.test("Progress redraws a bar with rows, rate and time left on a terminal", async () => {
  const clock = new FakeClock();
  const io = capturedIo({ terminal: true });
  const progress = new Progress(io.stderr, { unit: "rows", clock });
  progress.update(0, 1000);
  await clock.advance(50);
  progress.update(10, 1000);
  await clock.advance(1950);
  progress.update(500, 1000);
  await clock.advance(2000);
  progress.update(1000, 1000);
  progress.end();
  const frames = io.err.split("\r").slice(1);
  assert.equal(frames.length, 4, "10 rows after 50 ms are not worth a redraw");
  assert.equal(
    frames[1],
    "████████████░░░░░░░░░░░░  50 %  500 of 1 000 rows, 250/s, 2 s left\x1b[K",
  );
  assert.equal(frames[3], `${"█".repeat(24)} 100 %  1 000 of 1 000 rows, 250/s\x1b[K\n`);
});

Deno.test("Progress writes a plain line every five seconds elsewhere", async () => {
  const clock = new FakeClock();
  const io = capturedIo();
  const progress = new Progress(io.stderr, { unit: "rows", clock });
  for (let second = 0; second <= 10; second++) {
    progress.update(second * 100, 1000);
    await clock.advance(1000);
  }
  progress.end();
  assert.deepEqual(io.err.trimEnd().split("\n"), [
    "0 %, 0 of 1 000 rows",
    "50 %, 500 of 1 000 rows, 100/s, 5 s left",
    "100 %, 1 000 of 1 000 rows, 100/s",
    "100 %, 1 000 of 1 000 rows, 91/s",
  ]);
});

Deno.test("Progress fits its line into a narrow terminal", () => {
  const io = capturedIo({ terminal: true });
  const narrow = { ...io.stderr, width: () => 20 };
  const progress = new Progress(narrow, { unit: "rows", clock: new FakeClock() });
  progress.update(1, 2);
  // deno-lint-ignore no-control-regex -- the escape that clears the rest of the line
  assert.equal(io.err.replace(/^\r/, "").replace(/\x1b\[K$/, "").length, 19);
});
