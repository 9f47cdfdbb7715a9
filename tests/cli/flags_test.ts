import assert from "node:assert/strict";
import { UsageError } from "../../src/cli/exit.ts";
import { describeConfigFlags, nearestFlag, takeConfigFlags } from "../../src/cli/flags.ts";
import { configKeys } from "../../src/config/mod.ts";

Deno.test("takeConfigFlags takes the configuration out of the arguments, wherever it stands", () => {
  const line = takeConfigFlags([
    "--db-path",
    "a.db",
    "sync",
    "now",
    "--events.flush.active-sec=3",
    "--json",
    "--config",
    "my.json",
    "--daily-allowance-min",
    "-5",
  ]);
  assert.deepEqual(line.args, ["sync", "now", "--json"]);
  assert.equal(line.configPath, "my.json");
  assert.deepEqual([...line.config], [
    ["db_path", "a.db"],
    ["events.flush.active_sec", "3"],
    ["daily_allowance_min", "-5"],
  ]);
});

Deno.test("takeConfigFlags reads a yes-or-no flag that stands alone as yes", () => {
  const lines = [
    takeConfigFlags(["--endpoint-gzip", "status"]),
    takeConfigFlags(["--endpoint-gzip=true", "status"]),
    takeConfigFlags(["--endpoint-gzip", "true", "status"]),
  ];
  for (const { args, config } of lines) {
    assert.deepEqual(args, ["status"]);
    assert.equal(config.get("endpoint_gzip"), "true");
  }
  assert.equal(takeConfigFlags(["--endpoint-gzip", "false"]).config.get("endpoint_gzip"), "false");
});

Deno.test("takeConfigFlags keeps an empty value and what follows a bare --", () => {
  const { args, config } = takeConfigFlags(["--endpoint-url=", "backup", "--", "--db-path"]);
  assert.deepEqual(args, ["backup", "--", "--db-path"]);
  assert.equal(config.get("endpoint_url"), "");
});

Deno.test("takeConfigFlags refuses a flag without its value", () => {
  for (const args of [["--db-path"], ["--config", "--once"], ["--api-port", "--dry-run"]]) {
    assert.throws(() => takeConfigFlags(args), (error) => {
      assert(error instanceof UsageError);
      assert.match(error.message, /^Cannot use --[a-z-]+: it needs a value$/);
      return true;
    });
  }
});

Deno.test("nearestFlag knows the configuration's flags and the command's", () => {
  assert.equal(nearestFlag("--db-pth", []), "--db-path");
  assert.equal(nearestFlag("--onse", ["--once"]), "--once");
  assert.equal(nearestFlag("--active-sec", []), "--events.flush.active-sec");
  assert.equal(nearestFlag("--helb", []), "--help");
  assert.equal(nearestFlag("--zzzzzzzz", []), undefined);
});

Deno.test("describeConfigFlags lists every key once", () => {
  const text = describeConfigFlags();
  for (const { flag } of configKeys) assert.equal(text.split(`  ${flag} `).length, 2, flag);
});
