import assert from "node:assert/strict";
import { main } from "../../src/cli/mod.ts";
import { configKeys } from "../../src/config/mod.ts";
import { version } from "../../src/core/mod.ts";
import { capturedIo } from "../support/process/captured_io.ts";
import { tempDir } from "../support/temp.ts";

Deno.test("main --help lists the commands and every configuration key", async () => {
  for (const flag of ["--help", "-h"]) {
    const io = capturedIo();
    assert.equal(await main([flag], { io }), 0);
    assert.match(io.out, /clockblock run/);
    for (const key of configKeys) assert(io.out.includes(`  ${key.flag} `), key.flag);
    assert.equal(io.err, "");
  }
});

Deno.test("main --version prints the version and nothing else", async () => {
  for (const flag of ["--version", "-v"]) {
    const io = capturedIo();
    assert.equal(await main([flag], { io }), 0);
    assert.equal(io.out, `${version}\n`);
  }
});

Deno.test("main takes no notice of the -- that deno task hands on", async () => {
  const io = capturedIo();
  assert.equal(await main(["--", "--version"], { io }), 0);
  assert.equal(io.out, `${version}\n`);
});

const mistakes: readonly [args: string[], message: string][] = [
  [["rnu"], "Unknown command rnu. Did you mean run?"],
  [["frobnicate"], "Unknown command frobnicate. See clockblock --help"],
  [["--onec"], "Unknown flag --onec. Did you mean --once?"],
  [["--db-pth", "x"], "Unknown flag --db-pth. Did you mean --db-path?"],
  [["run", "--db-path"], "Cannot use --db-path: it needs a value"],
  [["run", "--frobnicate"], "Unknown flag --frobnicate. See clockblock --help"],
  [["run", "-x"], "Unknown flag -x. See clockblock --help"],
  [["export", "--format"], "Cannot use --format: it needs a value"],
  [["export", "--format", "xml"], "Cannot use --format xml: expected one of csv, json"],
  [["sync", "nwo"], "Unknown command nwo. Did you mean now?"],
  [["rejected", "retry", "--alll"], "Unknown flag --alll. Did you mean --all?"],
  [["run", "now"], "Unexpected argument now. See clockblock --help"],
  [
    ["--config", "missing.json"],
    "Cannot read missing.json: there is no such file. Check the path given with --config",
  ],
  [
    ["--api-port", "99999"],
    "Cannot use api_port from --api-port: it is 99999, expected a whole number from 0 to 65535",
  ],
];

for (const [args, message] of mistakes) {
  Deno.test(`main ${args.join(" ")} says what is wrong in one line and exits 2`, async () => {
    using dir = tempDir();
    const io = capturedIo({ cwd: dir.path });
    assert.equal(await main(args, { io }), 2);
    assert.equal(io.err, `${message}\n`);
    assert.equal(io.out, "");
    assert.deepEqual([...Deno.readDirSync(dir.path)], []);
  });
}

Deno.test("main reads the environment it is given", async () => {
  using dir = tempDir();
  const io = capturedIo({ cwd: dir.path, env: { CLOCKBLOCK_API_PRT: "1" } });
  assert.equal(await main([], { io }), 2);
  assert.match(
    io.err,
    /^Unknown environment variable CLOCKBLOCK_API_PRT\. Did you mean CLOCKBLOCK_API_PORT\?$/m,
  );
});
