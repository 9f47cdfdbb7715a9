/** @module */
import assert from "node:assert/strict";
import { type InstallSteps, installSteps, type Program } from "../../../src/cli/autostart/mod.ts";
import { systemd, unit } from "../../../src/cli/autostart/systemd.ts";
import { systemPrograms } from "../../support/fakes/system_programs.ts";
import { tempDir } from "../../support/temp.ts";

const SHOW = "systemctl --user show";
const NOT_FOUND = { stdout: "LoadState=not-found\nUnitFileState=\nActiveState=inactive\n" };

function installed(folder: string): { stdout: string } {
  const states = "LoadState=loaded\nUnitFileState=enabled\nActiveState=active\n";
  return { stdout: `${states}WorkingDirectory=${folder}\n` };
}

function quiet(programs: ReturnType<typeof systemPrograms>): InstallSteps {
  return installSteps({ print: () => {}, run: programs.run });
}

function programIn(folder: string): Program {
  return { command: [`${folder}/clockblock`, "run"], folder };
}

Deno.test("systemd's unit takes spaces, quotes, letters and signs of a path as they are", () => {
  const text = unit({
    command: ["/a b/ü $x 100%", "run", `--config=a "b" \\ %h`],
    folder: "/a 1%",
  });
  assert.match(text, /^ExecStart=:"\/a b\/ü \$x 100%%" "run" "--config=a \\"b\\" \\\\ %%h"$/m);
  assert.match(text, /^WorkingDirectory=\/a 1%%$/m);
});

Deno.test("systemd's unit limits the files, and with them the connections", () => {
  assert.match(unit(programIn("/a")), /^LimitNOFILE=4096$/m);
});

Deno.test("systemd's unit starts a program whose path systemd refuses through env", () => {
  const text = unit({ command: ["/Zoë's/clockblock", "run"], folder: "/Zoë's" });
  assert.match(text, /^ExecStart=:\/usr\/bin\/env "\/Zoë's\/clockblock" "run"$/m);
});

Deno.test({
  name: "systemd's unit has nothing in it that systemd itself finds fault with",
  ignore: !isThere("/usr/bin/systemd-analyze"),
  async fn() {
    using dir = tempDir();
    const folder = `${dir.path}/Zoë's "play" $x 100%`;
    Deno.mkdirSync(folder);
    Deno.copyFileSync("/bin/true", `${folder}/clockblock`);
    Deno.writeTextFileSync(`${folder}/clockblock.service`, unit(programIn(folder)));
    const { code, stderr } = await new Deno.Command("systemd-analyze", {
      args: ["--user", "verify", `${folder}/clockblock.service`],
      env: { XDG_RUNTIME_DIR: dir.path },
    }).output();
    assert.equal(new TextDecoder().decode(stderr), "");
    assert.equal(code, 0);
  },
});

Deno.test("systemd installs by linking to the unit in the agent's folder", async () => {
  using dir = tempDir();
  const programs = systemPrograms({ [SHOW]: NOT_FOUND });
  const { state, start } = await systemd.install(programIn(dir.path), quiet(programs));
  await start();
  assert.equal(state, "new");
  assert.deepEqual(programs.calls.slice(1), [
    `systemctl --user enable ${dir.path}/clockblock.service`,
    "systemctl --user daemon-reload",
    "systemctl --user start clockblock.service",
  ]);
});

Deno.test("systemd leaves alone what is installed, and renews what has changed", async () => {
  using dir = tempDir();
  await systemd.install(programIn(dir.path), quiet(systemPrograms({ [SHOW]: NOT_FOUND })));
  const programs = systemPrograms({ [SHOW]: installed(dir.path) });
  const again = await systemd.install(programIn(dir.path), quiet(programs));
  assert.deepEqual([again.state, again.active, programs.calls.length], ["same", true, 1]);

  const other = { ...programIn(dir.path), command: ["/elsewhere/clockblock", "run"] as const };
  const changed = await systemd.install(other, quiet(programs));
  await changed.start();
  assert.equal(changed.state, "changed");
  assert.equal(programs.calls.at(-1), "systemctl --user restart clockblock.service");
});

Deno.test("systemd uninstalls the service, its links and its file, and nothing twice", async () => {
  using dir = tempDir();
  await systemd.install(programIn(dir.path), quiet(systemPrograms({ [SHOW]: NOT_FOUND })));
  Deno.writeTextFileSync(`${dir.path}/clockblock.db`, "recorded");
  const programs = systemPrograms({ [SHOW]: installed(dir.path) });
  assert.equal(await systemd.uninstall(dir.path, quiet(programs)), true);
  assert.deepEqual(programs.calls.slice(1), [
    "systemctl --user stop clockblock.service",
    "systemctl --user disable clockblock.service",
    "systemctl --user daemon-reload",
  ]);
  assert.deepEqual([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["clockblock.db"]);

  const none = systemPrograms({ [SHOW]: NOT_FOUND, "systemctl --user disable": { code: 1 } });
  assert.equal(await systemd.uninstall(dir.path, quiet(none)), false);
});

Deno.test("systemd touches nothing of another folder's ClockBlock", async () => {
  using dir = tempDir();
  const programs = systemPrograms({ [SHOW]: installed("/other") });
  const message = /the ClockBlock that starts at login is the one in "\/other"/;
  await assert.rejects(systemd.install(programIn(dir.path), quiet(programs)), { message });
  await assert.rejects(systemd.uninstall(dir.path, quiet(programs)), { message });
  assert.deepEqual([...Deno.readDirSync(dir.path)], []);
  assert.equal(programs.calls.filter((line) => !line.startsWith(SHOW)).length, 0);
});

Deno.test("systemd replaces another folder's ClockBlock when it is told to", async () => {
  using dir = tempDir();
  const programs = systemPrograms({ [SHOW]: installed("/other") });
  const program = programIn(dir.path);
  const { state, start } = await systemd.install(program, quiet(programs), { replace: true });
  await start();
  assert.equal(state, "changed");
  assert.deepEqual(programs.calls.slice(1).map((line) => line.split(" ")[2]), [
    "disable",
    "enable",
    "daemon-reload",
    "restart",
  ]);
});

Deno.test("systemd says why there is no way: no systemctl, no bus, a variable that may not be handed on", async () => {
  using dir = tempDir();
  const cases: [answer: Error | { code: number; stderr: string }, message: RegExp][] = [
    [new Deno.errors.NotFound(), /^Cannot find systemctl on this system$/],
    [new Deno.errors.NotCapable("Requires run access"), /^Cannot find systemctl/],
    [new Deno.errors.NotCapable("with LD_PRELOAD environment"), /the variable LD_PRELOAD is set/],
    [{ code: 1, stderr: "Failed to connect to bus\nmore" }, /systemd: Failed to connect to bus$/],
  ];
  for (const [answer, message] of cases) {
    const programs = systemPrograms({ [SHOW]: answer });
    await assert.rejects(systemd.install(programIn(dir.path), quiet(programs)), { message });
  }
});

Deno.test("systemd's failures end the installation with the command and its words", async () => {
  using dir = tempDir();
  const programs = systemPrograms({
    [SHOW]: NOT_FOUND,
    "systemctl --user enable": { code: 1, stderr: "Failed to enable unit: no.\n" },
  });
  await assert.rejects(systemd.install(programIn(dir.path), quiet(programs)), {
    name: "AutostartError",
    message:
      /^Cannot go on: systemctl --user enable \S+ ended with 1: Failed to enable unit: no\.$/,
  });
});

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
