/** The agent as it is embedded in the executable: one file, started where nothing else of the project is. @module */
import assert from "node:assert/strict";
import { bundleAgent } from "../../build/compile.ts";
import { version } from "../../src/core/mod.ts";
import { startAgent } from "../support/process/agent_process.ts";
import { tempDir } from "../support/temp.ts";

Deno.test("bundleAgent makes one file that runs alone, with its page in it", async () => {
  using dir = tempDir();
  await using agent = await startAgent({ entry: await bundleAgent(dir.path), config: {} });

  const status = await (await fetch(`${agent.url}/status`)).json();
  assert.equal(status.version, version);
  assert.equal(status.flavour, "clockblock");

  const page = await (await fetch(agent.url)).text();
  assert.match(page, /<script type="module">/);
  assert.doesNotMatch(page, /is not built/);

  const { code } = await agent.stop();
  if (Deno.build.os !== "windows") assert.equal(code, 0, agent.output);
});
