/** The program as a process of its own: what it prints, and how it ends. @module */
import assert from "node:assert/strict";
import { runAgent, startAgent } from "../support/process/agent_process.ts";
import { ownMs } from "../support/process/own_time.ts";
import { tempDir } from "../support/temp.ts";

const config = { process_name: "no such game", poll_interval_sec: 1 };

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  Deno.test({
    name: `ClockBlock ends within two seconds of ${signal}, with code 0`,
    // On Windows a process can only be ended from outside, not asked.
    ignore: Deno.build.os === "windows",
    async fn() {
      await using agent = await startAgent({ config });
      const tookMs = await ownMs(() => agent.kill(signal), agent);
      assert.equal((await agent.ended).code, 0, agent.output);
      assert(tookMs < 2_000, `${tookMs} ms`);
      const left = [...Deno.readDirSync(agent.dir)].map(({ name }) => name);
      assert.deepEqual(left.filter((name) => /-(wal|shm)$|\.(lock|holder)$/.test(name)), []);
    },
  });
}

Deno.test("ClockBlock prints one line on stdout, and its log as JSON lines on stderr", async () => {
  await using agent = await startAgent({ config });
  await agent.stop();
  const lines = agent.output.trimEnd().split("\n");
  const plain = lines.filter((line) => !line.startsWith("{"));
  assert.equal(plain.length, 1, agent.output);
  assert.match(plain[0]!, /^ClockBlock \S+ is running: http:\/\/127\.0\.0\.1:\d+$/);
  for (const line of lines.filter((line) => line.startsWith("{"))) {
    assert.equal(typeof JSON.parse(line).message, "string");
  }
});

Deno.test("ClockBlock --once --dry-run prints a heartbeat under its real permissions, and nothing else", async () => {
  using dir = tempDir();
  const { code, stdout, stderr } = await runAgent(["--once", "--dry-run"], { dir: dir.path });
  assert.equal(code, 0, stderr);
  assert.equal(stderr, "");
  assert.equal(typeof JSON.parse(stdout).is_playing, "boolean");
  assert.deepEqual([...Deno.readDirSync(dir.path)], []);
});

Deno.test("ClockBlock commands that run side by side wait for each other", async () => {
  using dir = tempDir();
  await runAgent(["--once", "--process-name", "no such game"], { dir: dir.path });
  const all = await Promise.all(
    Array.from({ length: 6 }, () => runAgent(["today"], { dir: dir.path })),
  );
  const today = { code: 0, stdout: "Played today: 0 s, no limit\n", stderr: "" };
  assert.deepEqual(all, all.map(() => today));
});

Deno.test("ClockBlock doctor finds nothing amiss under its real permissions", async () => {
  using dir = tempDir();
  Deno.writeTextFileSync(`${dir.path}/config.json`, JSON.stringify({ ...config, api_port: 0 }));
  const { code, stdout, stderr } = await runAgent(["doctor"], { dir: dir.path });
  assert.equal(code, 0, stdout + stderr);
  assert(!stdout.includes("fail"));
});
