/** @module */
import assert from "node:assert/strict";
import { homedir } from "node:os";
import { installSteps } from "../../../src/cli/autostart/mod.ts";
import { launchd, plist } from "../../../src/cli/autostart/launchd.ts";
import { systemPrograms } from "../../support/fakes/system_programs.ts";
import { tempDir } from "../../support/temp.ts";

const UID = { stdout: "501\n" };
const NOT_LOADED = { code: 113, stderr: "Could not find service" };
const AGENTS = `${homedir()}/Library/LaunchAgents`;

Deno.test("The property list has each argument by itself, as it is", () => {
  const text = plist({
    command: ["/Zoë & Tom's/clockblock", "run", "--a=<b>"],
    folder: "/Zoë & Tom's",
  });
  assert.deepEqual([...text.matchAll(/^ {4}<string>(.*)<\/string>$/gm)].map(([, word]) => word), [
    "/Zoë &amp; Tom's/clockblock",
    "run",
    "--a=&lt;b&gt;",
  ]);
  assert.match(text, /<key>WorkingDirectory<\/key>\n {2}<string>\/Zoë &amp; Tom's<\/string>/);
});

Deno.test("The property list limits the files, and with them the connections", () => {
  const text = plist({ command: ["/a", "run"], folder: "/a" });
  for (const kind of ["Soft", "Hard"]) {
    assert.match(
      text,
      new RegExp(
        `<key>${kind}ResourceLimits</key>\\s+<dict>\\s+<key>NumberOfFiles</key>\\s+<integer>4096<`,
      ),
    );
  }
});

Deno.test({
  name: "The property list has nothing in it that macOS itself finds fault with",
  ignore: Deno.build.os !== "darwin",
  async fn() {
    using dir = tempDir();
    Deno.writeTextFileSync(
      `${dir.path}/x.plist`,
      plist({ command: ["/a&b", "run"], folder: "/a" }),
    );
    const { code } = await new Deno.Command("plutil", { args: ["-lint", `${dir.path}/x.plist`] })
      .output();
    assert.equal(code, 0);
  },
});

Deno.test({
  name: "launchd gets the agent's file where it looks, and lets go of an old one first",
  ignore: Deno.build.os === "windows",
  async fn() {
    using dir = tempDir();
    const program = { command: [`${dir.path}/clockblock`, "run"] as const, folder: dir.path };
    const own = `${dir.path}/local.clockblock.plist`;
    const first = systemPrograms({
      "launchctl manageruid": UID,
      "launchctl print gui/501/": NOT_LOADED,
    });
    const { state, start } = await launchd.install(
      program,
      installSteps({ print: () => {}, run: first.run }),
    );
    await start();
    assert.equal(state, "new");
    assert.deepEqual(first.calls.slice(2), [
      `mkdir -p ${AGENTS}`,
      `cp -f ${own} ${AGENTS}/local.clockblock.plist`,
      "launchctl enable gui/501/local.clockblock",
      `launchctl bootstrap gui/501 ${AGENTS}/local.clockblock.plist`,
    ]);

    const loaded = systemPrograms({
      "launchctl manageruid": UID,
      "launchctl print gui/501/": { stdout: `\tworking directory = ${dir.path}\n` },
    });
    const world = installSteps({ print: () => {}, run: loaded.run });
    assert.equal((await launchd.install(program, world)).state, "same");
    assert.equal(loaded.calls.length, 2);
    const other = { ...program, command: ["/other", "run"] as const };
    assert.equal((await launchd.install(other, world)).state, "changed");
    assert.equal(loaded.calls[4], "launchctl bootout gui/501/local.clockblock");

    assert.equal(await launchd.uninstall(dir.path, world), true);
    assert.deepEqual(loaded.calls.slice(-2), [
      "launchctl bootout gui/501/local.clockblock",
      `rm -f ${AGENTS}/local.clockblock.plist`,
    ]);
    assert.deepEqual([...Deno.readDirSync(dir.path)], []);
  },
});

Deno.test("launchd is not asked twice when nobody is signed in at the screen", async () => {
  using dir = tempDir();
  const programs = systemPrograms({ "launchctl manageruid": { code: 1, stderr: "no session" } });
  await assert.rejects(
    launchd.install(
      { command: ["/clockblock", "run"], folder: dir.path },
      installSteps({ print: () => {}, run: programs.run }),
    ),
    { message: "Cannot reach launchd: no session" },
  );
  assert.deepEqual(programs.calls, ["launchctl manageruid"]);
});
