/** The tests' own tools: the agent as a process and the fake game. @module */
import assert from "node:assert/strict";
import { runAgent, startAgent } from "../support/process/agent_process.ts";
import { startFakeGame } from "../support/fakes/fake_game.ts";
import { tempDir } from "../support/temp.ts";

/** Behaves at its edges as the agent does: one ready line, a token, an end on request. */
const PRETEND = `
const { api_port } = JSON.parse(Deno.readTextFileSync("config.json"));
Deno.writeTextFileSync("api-token", "secret\\n");
const stop = new AbortController();
if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", () => stop.abort());
const server = Deno.serve({
  hostname: "127.0.0.1",
  port: api_port,
  signal: stop.signal,
  onListen: ({ port }) => console.log("ClockBlock 0.0.0 is running: http://127.0.0.1:" + port),
}, () => Response.json({
  args: Deno.args,
  home: Deno.env.get("HOME") ?? null,
  mine: Deno.env.get("CLOCKBLOCK_MINE") ?? null,
  outside: Deno.permissions.querySync({ name: "read", path: ".." }).state,
  ffi: Deno.permissions.querySync({ name: "ffi" }).state,
}));
await server.finished;
console.error("stopping");
Deno.exit(0);
`;

function pretend(): { entry: string } & Disposable {
  const dir = tempDir();
  const entry = `${dir.path}/main.ts`;
  Deno.writeTextFileSync(entry, PRETEND);
  return { entry, [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

Deno.test("startAgent runs the program in a folder of its own, under the agent's permissions", async () => {
  using main = pretend();
  let dir: string;
  {
    await using agent = await startAgent({
      entry: main.entry,
      config: {},
      args: ["--once"],
      env: { CLOCKBLOCK_MINE: "yes" },
    });
    dir = agent.dir;
    assert.equal(await agent.token(), "secret");
    const answer = await (await fetch(`${agent.url}/`)).json();
    assert.deepEqual(answer, {
      args: ["--once"],
      home: null,
      mine: "yes",
      outside: "prompt",
      ffi: "prompt",
    });
  }
  await assert.rejects(Deno.stat(dir), Deno.errors.NotFound);
});

Deno.test("An agent process stops when asked, dies when killed, and starts again in the same folder", async () => {
  using main = pretend();
  using dir = tempDir();
  await using first = await startAgent({ entry: main.entry, dir: dir.path, config: {} });
  assert.notEqual((await first.kill("SIGKILL")).code, 0);
  await using second = await startAgent({ entry: main.entry, dir: dir.path });
  const { code } = await second.stop();
  if (Deno.build.os !== "windows") {
    assert.equal(code, 0);
    assert.match(second.output, /stopping/);
  }
});

Deno.test("startAgent shows what a program printed that did not come up", async () => {
  using dir = tempDir();
  const entry = `${dir.path}/main.ts`;
  Deno.writeTextFileSync(entry, `console.error("port 3841 is taken"); Deno.exit(2);`);
  await assert.rejects(
    startAgent({ entry, dir: dir.path }),
    /ended with code 2 before it was up; it printed:\nport 3841 is taken/,
  );
});

Deno.test("runAgent hands back what a command printed and how it ended", async () => {
  using dir = tempDir();
  const entry = `${dir.path}/main.ts`;
  Deno.writeTextFileSync(
    entry,
    `console.log(Deno.args.join()); console.error("why"); Deno.exit(3);`,
  );
  assert.deepEqual(await runAgent(["sync", "now"], { entry, dir: dir.path }), {
    code: 3,
    stdout: "sync,now\n",
    stderr: "why\n",
  });
});

Deno.test({
  name: "startFakeGame shows up in the process list under its name until it is stopped",
  ignore: Deno.build.os === "windows",
  async fn() {
    const running = async (pid: number) => {
      const { stdout } = await new Deno.Command("ps", { args: ["-o", "args=", "-p", `${pid}`] })
        .output();
      return new TextDecoder().decode(stdout);
    };
    await using game = await startFakeGame("Minecraft Bedrock.exe");
    assert.match(await running(game.pid), /Minecraft Bedrock\.exe/);
    await game.stop();
    assert.equal(await running(game.pid), "");
  },
});
