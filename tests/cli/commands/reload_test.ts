import assert from "node:assert/strict";
import { cliFolder } from "../../support/process/cli.ts";
import { until } from "../../support/until.ts";

const config = { process_name: "no such game" };

Deno.test("reload says what is in force, what needs a restart and what is wrong, and the agent follows its file", async () => {
  using folder = cliFolder(config);
  const path = `${folder.path}/config.json`;
  const given = JSON.parse(Deno.readTextFileSync(path));
  const write = (changed: object) =>
    Deno.writeTextFileSync(path, JSON.stringify({ ...given, ...changed }));
  {
    await using agent = await folder.start();
    const status = async () => await (await fetch(`${agent.url}/status`)).json();
    assert.equal((await folder.cli("reload")).out, "Nothing has changed\n");
    write({ daily_allowance_min: 30 });
    await until(
      async () => (await status()).today.allowance_min === 30,
      "the agent has the new allowance by itself",
    );
    write({ daily_allowance_min: 20, retention_days: 9 });
    // The agent may have seen it first.
    assert.match((await folder.cli("reload")).out, /Needs a restart: retention_days\n$/);
    assert.equal((await status()).today.allowance_min, 20);
    assert.deepEqual((await status()).config, { needs_restart: ["retention_days"], error: null });

    write({ daily_allowance_min: "much" });
    const { code, out, err } = await folder.cli("reload");
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.match(err, /^Cannot use daily_allowance_min in config\.json, line 1: it is "much"/);
    await until(async () => (await status()).config.error !== null, "the agent says so as well");
    assert.equal((await status()).today.allowance_min, 20);
  }
  write({});
  const { code, out } = await folder.cli("reload");
  assert.equal(code, 0);
  assert.match(out, /^No agent is running/);
});
