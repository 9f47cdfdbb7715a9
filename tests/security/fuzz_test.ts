import assert from "node:assert/strict";
import { startAgent } from "../support/process/agent_process.ts";
import { fuzz, FUZZED_CONFIG, MOST_HELD_MS } from "./fuzz.ts";

Deno.test("No request of any kind makes the API fail or holds the event loop", async () => {
  await using agent = await startAgent({ config: FUZZED_CONFIG });
  const { asked, statuses, failures, heldMs, ownMs } = await fuzz(agent, { seed: 1, ms: 10_000 });
  assert.deepEqual(failures.slice(0, 5), []);
  assert.ok(asked >= 100, `${asked} requests`);
  // Both what is right and what is wrong was asked.
  assert.ok((statuses[200] ?? 0) > 10 && (statuses[400] ?? 0) > 10, JSON.stringify(statuses));
  assert.ok(heldMs <= MOST_HELD_MS + ownMs, `${heldMs} ms, here ${ownMs} ms`);
});
