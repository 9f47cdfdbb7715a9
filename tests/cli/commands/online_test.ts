/** Commands while an agent runs: they find it and ask it. @module */
import assert from "node:assert/strict";
import { cliFolder } from "../../support/process/cli.ts";

const config = { process_name: "no such game", poll_interval_sec: 1 };

Deno.test("Commands ask the running agent, wherever it listens", async () => {
  using folder = cliFolder(config);
  await using agent = await folder.start();
  await fetchUntil(`${agent.url}/status`, ({ last_seen }) => last_seen !== null);

  const status = await folder.cli("status");
  assert.match(status.out, /^ClockBlock \S+ is running: http:\/\/127\.0\.0\.1:\d+, since \d+ s\n/);
  assert.match(status.out, /Playing {3}no\n/);
  assert.equal(status.err, "");
  const { out: json } = await folder.cli("status", "--json");
  const { running, url } = JSON.parse(json);
  assert.equal(running, true);
  assert.equal(url, agent.url);

  assert.equal((await folder.cli("today")).out, "Played today: 0 s, no limit\n");
  assert(JSON.parse((await folder.cli("export", "--format", "json")).out).length > 0);
  assert.equal((await folder.cli("recompute")).out, "1 day recomputed, 0 changed\n");
  assert.match((await folder.cli("sync", "reset")).err, /^Nothing to sync with: No cloud/);
  assert.match((await folder.cli("sync", "now")).err, /^Nothing to sync with: No cloud/);
});

Deno.test("A second agent on the same database says who has it and exits 3", async () => {
  using folder = cliFolder(config);
  await using agent = await folder.start();
  for (const args of [["run"], ["--once"]]) {
    const { code, out, err } = await folder.cli(...args);
    assert.equal(code, 3);
    assert.equal(out, "");
    assert.match(err, /^Cannot open ".*": another agent is running on it .*\n$/);
    assert(err.includes(agent.url));
  }
});

Deno.test("A port that another program has is told in one line, and nothing is made", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using folder = cliFolder({ ...config, api_port: listener.addr.port });
  const { code, out, err } = await folder.cli("run");
  assert.equal(code, 2);
  assert.equal(out, "");
  assert.match(err, /^Cannot listen on 127\.0\.0\.1:\d+: another program uses port \d+\..*\n$/);
  assert.deepEqual(folder.files(), ["config.json"]);
});

Deno.test("A running agent that is on the same port is told as that", async () => {
  using folder = cliFolder(config);
  await using agent = await folder.start();
  const { code, err } = await folder.cli("run", "--api-port", new URL(agent.url).port);
  assert.equal(code, 3);
  assert.match(err, /another agent is running/);
});

/** Asks until the answer is as wanted. */
async function fetchUntil(
  url: string,
  wanted: (answer: Record<string, unknown>) => boolean,
): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    if (wanted(await (await fetch(url)).json())) return;
    if (performance.now() > deadline) throw new Error(`${url} never answered as wanted`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
