/** @module */
import assert from "node:assert/strict";
import { NoAnswerError } from "../../src/cli/client.ts";
import { runningAgent } from "../../src/cli/session.ts";
import { type Config, loadConfig } from "../../src/config/mod.ts";
import { type Clock, systemClock } from "../../src/core/mod.ts";
import { openStore } from "../../src/store/recovery/recovery.ts";
import { cliFolder, type Folder } from "../support/process/cli.ts";

/** An agent on its port, and another folder that has the same port in its configuration. */
async function neighbours(): Promise<{ second: Folder; config: Config } & AsyncDisposable> {
  const first = cliFolder({ process_name: "no such game" });
  const agent = await first.start();
  const second = cliFolder({ api_port: Number(new URL(agent.url).port) });
  return {
    second,
    config: loadConfig({ cwd: second.path, env: {} }),
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]();
      first[Symbol.dispose]();
      second[Symbol.dispose]();
    },
  };
}

/** A clock on which waiting takes no time. */
function hurried(): Clock {
  let now = 0;
  return {
    ...systemClock,
    monotonic: () => now,
    wait(ms) {
      now += ms;
      return Promise.resolve();
    },
  };
}

Deno.test("runningAgent waits for a command that has the database, and asks no other folder's agent", async () => {
  await using both = await neighbours();
  const command = openStore(both.config.db_path, { migrations: [] });
  const clock: Clock = {
    ...systemClock,
    wait() {
      command.close();
      return Promise.resolve();
    },
  };
  assert.equal(await runningAgent(both.config, { clock }), undefined);
});

Deno.test("runningAgent takes no other folder's agent for the one that never printed its address", async () => {
  await using both = await neighbours();
  const holder = openStore(both.config.db_path, { migrations: [] });
  Deno.writeTextFileSync(`${both.second.path}/api-token`, "of the second folder");
  try {
    await assert.rejects(runningAgent(both.config, { clock: hurried() }), (error) => {
      assert(error instanceof NoAnswerError);
      assert.match(error.message, /the one that answers at http:\S+ is not this folder's/);
      return true;
    });
  } finally {
    holder.close();
  }
});

Deno.test("runningAgent finds an agent that could not write down where it is", async () => {
  using folder = cliFolder({ process_name: "no such game" });
  await using agent = await folder.start();
  Deno.removeSync(`${folder.path}/clockblock.db.holder`);
  const flags = new Map([["api_port", new URL(agent.url).port]]);
  const config = loadConfig({ cwd: folder.path, env: {}, flags });
  assert.equal((await runningAgent(config, { clock: hurried() }))?.url, agent.url);
});
