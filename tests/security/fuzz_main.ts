/**
 * `deno task fuzz [--minutes=5] [--seed=<number>]`: the whole API at random. It ends with 1 when the agent failed or was
 * held up; the same seed asks the same again.
 * @module
 */
import { parseArgs } from "node:util";
import { print } from "../bench/print.ts";
import { startAgent } from "../support/process/agent_process.ts";
import { argumentsOf } from "../support/process/arguments.ts";
import { fuzz, FUZZED_CONFIG, MOST_HELD_MS } from "./fuzz.ts";

const USAGE = `Asks the whole API at random, by its own description.

  deno task fuzz [--minutes=5] [--seed=<number>]

It ends with 0 when every answer was below 500 and nothing held the event loop, with 1 otherwise.`;

const { minutes, seed } = argumentsOf(USAGE, (args) => {
  const options = { minutes: { type: "string" }, seed: { type: "string" } } as const;
  const { values } = parseArgs({ args, options });
  const number = (text: string, name: string) => {
    if (/^\d{1,9}(\.\d+)?$/.test(text)) return Number(text);
    throw new TypeError(`Cannot take "${text}" for --${name}`);
  };
  return {
    minutes: number(values.minutes ?? "5", "minutes"),
    seed: number(values.seed ?? String(Date.now() % 1_000_000), "seed"),
  };
});

await using agent = await startAgent({ config: FUZZED_CONFIG });
print(`Seed ${seed}, ${minutes} minutes`);
const found = await fuzz(agent, { seed, ms: minutes * 60_000 });
const { asked, statuses, failures, heldMs, ownMs } = found;
const answers = Object.entries(statuses).map(([status, count]) => `${status}: ${count}`).join(", ");
for (const { asked, answer } of failures.slice(0, 20)) print(`${JSON.stringify(asked)}\n${answer}`);
print(
  `${asked} requests, answered ${answers}; ${failures.length} failed; longest hold of the event loop ` +
    `${Math.round(heldMs)} ms (limit ${MOST_HELD_MS} ms), meanwhile of this process ${
      Math.round(ownMs)
    } ms`,
);
if (failures.length > 0 || heldMs > MOST_HELD_MS + ownMs) Deno.exitCode = 1;
