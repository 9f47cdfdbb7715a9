/** @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { programAtLogin } from "../../../src/cli/autostart/mod.ts";
import { takeConfigFlags } from "../../../src/cli/flags.ts";

const folder = Deno.build.os === "windows" ? "C:\\Play time" : "/home/zoë/Play time";
const execPath = join(folder, "clockblock");
const noFlags = takeConfigFlags([]);
const mainModule = pathToFileURL(join(folder, "main.ts")).href;

Deno.test("programAtLogin starts the executable itself, in the folder it was called in", () => {
  const program = programAtLogin(noFlags, { folder, standalone: true, execPath });
  assert.deepEqual(program, { command: [execPath, "run"], folder });
});

Deno.test("programAtLogin steps on the configuration's flags, and refuses to show secrets", () => {
  const line = takeConfigFlags(["--config", "other.json", "--api-port", "4000", "install"]);
  const { command } = programAtLogin(line, { folder, standalone: true, execPath });
  assert.deepEqual(command.slice(1), ["run", "--config=other.json", "--api-port=4000"]);
  const secret = takeConfigFlags(["install", "--supabase.password", "hunter22"]);
  assert.throws(() => programAtLogin(secret, { folder, standalone: true, execPath }), {
    name: "UsageError",
    message:
      "Cannot install with --supabase.password: others could read it there. Put supabase.password into config.json",
  });
});

Deno.test("programAtLogin runs the source as deno task start does", () => {
  const source = { folder, standalone: false, execPath: "/bin/deno", mainModule };
  const { command } = programAtLogin(noFlags, source);
  assert.deepEqual(command.slice(0, 2), ["/bin/deno", "run"]);
  assert(command.includes("--permission-set=agent"));
  assert.equal(command.at(-1), join(folder, "main.ts"));
});

Deno.test("programAtLogin refuses what could not be started again", () => {
  const cases: [options: Partial<Parameters<typeof programAtLogin>[1]>, message: RegExp][] = [
    [
      { mainModule: pathToFileURL(join(folder, "agent.js")).href },
      /was started from ".*agent\.js"/,
    ],
    [{ folder: join(folder, "elsewhere") }, /source lies in ".*Play time", not in ".*elsewhere"/],
    [{ standalone: true, folder: "/a\nb" }, /"\/a\\nb" has a control character in it/],
  ];
  for (const [options, message] of cases) {
    const all = { folder, standalone: false, execPath, mainModule, ...options };
    assert.throws(() => programAtLogin(noFlags, all), { name: "UsageError", message });
  }
});
