/** Start at login through Windows' own Task Scheduler. @module */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runAgent, startAgent } from "../support/process/agent_process.ts";
import { tempFolder, windows } from "./windows.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const here = windows();
const emulated = here?.emulated ? { emulated: here.emulated } : {};

Deno.test({
  name: "ClockBlock on Windows registers a task that the Task Scheduler takes, and removes it",
  // Not on somebody's own machine, whose ClockBlock may be registered already.
  ignore: !here || (!here.emulated && !Deno.env.has("CI")),
  async fn() {
    using folder = await tempFolder("play time");
    const { success } = await new Deno.Command(Deno.execPath(), {
      // By the name of the source: it then takes itself for that, and can say how to start it.
      args: ["bundle", "--quiet", "--platform", "deno", "-o", `${folder.path}/main.ts`, "main.ts"],
      cwd: root,
    }).output();
    assert(success);
    await using agent = await startAgent({
      dir: folder.path,
      entry: "main.ts",
      config: { process_name: "no such game" },
      ...emulated,
    });
    const cli = (...args: string[]) =>
      runAgent(args, { dir: folder.path, entry: "main.ts", ...emulated });

    const installed = await cli("install");
    assert.equal(installed.code, 0, installed.stderr);
    const task = /schtasks \/Create \/TN "(ClockBlock \d+)"/.exec(installed.stdout)?.[1];
    assert(task, installed.stdout);
    assert(installed.stdout.includes(`Runs at    ${agent.url}`), installed.stdout);
    const xml = new TextDecoder("utf-16le").decode(
      await Deno.readFile(`${folder.path}/clockblock-task.xml`),
    );
    assert.match(xml, /<UserId>S-1-5-21(-\d+){4}<\/UserId>/);
    assert.match(xml, /<Arguments>--headless \S.* run .*main\.ts"?<\/Arguments>/);

    const again = await cli("install");
    assert.equal(again.code, 0, again.stderr);
    const removed = await cli("uninstall");
    assert.equal(removed.code, 0, removed.stderr);
    assert.match(removed.stdout, new RegExp(`schtasks /Delete /TN "${task}" /F`));
    assert(removed.stdout.includes(agent.url), "the agent that was started by hand still runs");
    await assert.rejects(Deno.stat(`${folder.path}/clockblock-task.xml`));
  },
});
