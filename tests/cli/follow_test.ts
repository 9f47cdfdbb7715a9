import assert from "node:assert/strict";
import { followStream } from "../../src/cli/follow.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { type Clock, systemClock } from "../../src/core/mod.ts";
import { cliFolder } from "../support/process/cli.ts";
import { until } from "../support/until.ts";

/** A clock on which nobody waits longer than the test says. */
function heldClock(): Clock & { letGo(): void } {
  let gate = Promise.withResolvers<void>();
  return {
    now: systemClock.now,
    monotonic: systemClock.monotonic,
    wait: () => gate.promise,
    letGo() {
      gate.resolve();
      gate = Promise.withResolvers();
    },
  };
}

Deno.test("followStream has what came while the agent was away, also after a time in which nothing came", async () => {
  using folder = cliFolder({ process_name: "no such game", events: { modes: ["live"] } });
  const config = loadConfig({ path: "config.json", cwd: folder.path });
  const clock = heldClock();
  const stop = new AbortController();
  const changes = { back: 0, away: 0 };
  const messages = followStream(config, "/local/stream", {
    query: { mode: "live", since_seq: 0 },
    signal: stop.signal,
    clock,
    onAway(away) {
      changes[away ? "away" : "back"]++;
    },
  });
  const bodies: string[] = [];
  const read = async () => {
    for await (const data of messages) bodies.push(JSON.parse(data).body);
  };
  let reading: Promise<void> = Promise.resolve();
  /** It is looked for the agent until something is so. */
  const looking = (condition: () => boolean, what: string) =>
    until(() => {
      clock.letGo();
      return condition();
    }, what);
  const post = async (url: string, body: string) => {
    const token = Deno.readTextFileSync(`${folder.path}/api-token`).trim();
    const response = await fetch(`${url}/local/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ mode: "live", source: "t", type: "T", subtype: "T", body }),
    });
    assert.equal(response.status, 200, await response.text());
  };
  try {
    {
      await using agent = await folder.start();
      reading = read();
      await post(agent.url, "first");
      await until(() => bodies.length === 1, "the first event");
    }
    await until(() => changes.away === 1, "the end of the agent");
    {
      await using _agent = await folder.start();
      await looking(() => changes.back === 1, "the agent to be found");
      // All that is said on this line is that the stream is open.
    }
    await until(() => changes.away === 2, "its end");
    await using agent = await folder.start();
    await post(agent.url, "missed");
    await looking(() => bodies.length === 2, "what was missed");
    assert.deepEqual(bodies, ["first", "missed"]);
  } finally {
    stop.abort();
    clock.letGo();
    await reading;
  }
});
