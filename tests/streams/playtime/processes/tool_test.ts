import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runTool } from "../../../../src/streams/playtime/processes/tool.ts";
import { tempDir } from "../../../support/temp.ts";

const ignore = Deno.build.os === "windows";
const never = new AbortController().signal;

/** A program that does what a shell script says. */
function script(dir: string, lines: string): string {
  const path = `${dir}/tool`;
  Deno.writeTextFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  return path;
}

Deno.test({
  name: "runTool returns what a program prints",
  ignore,
  async fn() {
    using dir = tempDir();
    const tool = script(dir.path, 'echo "$1"; echo noise >&2');
    const printed = await runTool(tool, ["a b"], { signal: never });
    assert.equal(new TextDecoder().decode(printed), "a b\n");
  },
});

Deno.test({
  name: "runTool kills a program that hangs, and does not wait for what that has started",
  ignore,
  async fn() {
    using dir = tempDir();
    const marker = `${dir.path}/pid`;
    const tool = script(dir.path, `trap "" TERM\necho $$ > ${marker}\nsleep 30 &\nwait\nsleep 30`);
    const stop = new AbortController();
    const running = runTool(tool, [], { signal: stop.signal });
    const pid = await written(marker);
    stop.abort(new Error("too late"));
    await assert.rejects(running, /too late/);
    await gone(pid);
  },
});

Deno.test({
  name: "runTool tells how a program failed",
  ignore,
  async fn() {
    using dir = tempDir();
    const tool = script(dir.path, "echo partial; echo access denied >&2; exit 3");
    await assert.rejects(runTool(tool, [], { signal: never }), /ended with code 3: access denied/);
  },
});

Deno.test({
  name: "runTool stops a program that prints without end",
  ignore,
  async fn() {
    using dir = tempDir();
    const tool = script(dir.path, "yes");
    await assert.rejects(runTool(tool, [], { signal: never }), RangeError);
  },
});

Deno.test("runTool fails when there is no such program", async () => {
  await assert.rejects(
    runTool("no-such-program", [], { signal: never }),
    /there is no program "no-such-program"/,
  );
});

Deno.test({
  name: "runTool runs ps under the agent's permissions, whatever the user's environment",
  ignore,
  async fn() {
    using dir = tempDir();
    const ps = new URL("../../../../src/streams/playtime/processes/ps.ts", import.meta.url);
    const config = fileURLToPath(new URL("../../../../deno.json", import.meta.url));
    const script = `${dir.path}/list.ts`;
    Deno.writeTextFileSync(
      script,
      `import { ps } from ${JSON.stringify(ps.href)};
       const processes = await ps([{ image: "ps" }])({ signal: new AbortController().signal });
       console.log(processes.some(({ image }) => image === "ps"));`,
    );
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--config", config, "--no-prompt", "--allow-run=ps", script],
      env: { LD_LIBRARY_PATH: "/nowhere", PS_FORMAT: "pid", PS_PERSONALITY: "bsd", COLUMNS: "20" },
    }).output();
    assert.equal(new TextDecoder().decode(stdout), "true\n", new TextDecoder().decode(stderr));
  },
});

async function written(path: string): Promise<number> {
  for (;;) {
    const text = await Deno.readTextFile(path).catch(() => "");
    if (text.trim() !== "") return Number(text);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Resolves once the process has ended and is no zombie either. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    const { success } = await new Deno.Command("kill", { args: ["-0", `${pid}`], stderr: "null" })
      .output();
    if (!success) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
