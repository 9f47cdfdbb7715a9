/** Time is up, as a person meets it: a game that runs, a page that listens, a cloud, a kill and a grant. */
import assert from "node:assert/strict";
import { startFakeGame } from "../../support/fakes/fake_game.ts";
import { type AgentProcess, startAgent } from "../../support/process/agent_process.ts";
import { FaultyServer } from "../../support/servers/faulty_server.ts";
import { tempDir } from "../../support/temp.ts";
import { until } from "../../support/until.ts";

const GAME = "ClockBlockTimer.exe";

/** Messages of topic `allowance`, as they come. */
async function listen(agent: AgentProcess, signal: AbortSignal): Promise<string[]> {
  const messages: string[] = [];
  const response = await fetch(`${agent.url}/stream?topics=allowance`, { signal });
  const text = response.body!.pipeThrough(new TextDecoderStream());
  void (async () => {
    try {
      for await (const piece of text) messages.push(piece);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  })();
  return messages;
}

Deno.test("Thresholds reach the page and the cloud, and neither a kill nor a grant repeats them", async () => {
  await using cloud = await FaultyServer.start();
  using dir = tempDir();
  const config = {
    process_name: GAME,
    poll_interval_sec: 1,
    daily_allowance_min: 0.05,
    events: { endpoint_url: cloud.url, flush: { active_sec: 3_600, offhours_sec: 3_600 } },
  };
  const bodies = () => [...cloud.rows.values()].map(({ body }) => body);
  const first = await startAgent({ dir: dir.path, config });
  const end = new AbortController();
  const told = await listen(first, end.signal);
  await using _game = await startFakeGame(GAME);
  await until(() => bodies().length === 3, "all are in the cloud");
  const all = ["1 minute left today", "1 minute left today", "No minutes left today"];
  assert.deepEqual(bodies(), all);
  const toldBodies = () => [...told.join("").matchAll(/"body":"([^"]*)"/g)].map(([, body]) => body);
  await until(() => toldBodies().length === 3, "the page has them");
  assert.deepEqual(toldBodies(), all);
  end.abort();
  await first.kill();

  await using second = await startAgent({ dir: dir.path, config });
  const more = new AbortController();
  const toldAgain = await listen(second, more.signal);
  const clock = () => fetch(`${second.url}/allowance`).then((response) => response.json());
  const { used_min } = await clock();
  await until(async () => (await clock()).used_min > used_min, "play goes on");
  const answer = await fetch(`${second.url}/allowance/grants`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await second.token()}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ extra_min: 30 }),
  });
  assert.equal(answer.status, 201);
  await until(() => toldAgain.join("").includes(`"extra_min":30`), "the page knows");
  const used = (await clock()).used_min;
  await until(async () => (await clock()).used_min > used, "play goes on");
  const log = await fetch(`${second.url}/local/events?mode=clockblock`);
  assert.equal((await log.json()).length, 3);
  assert.equal(cloud.rows.size, 3);
  assert.doesNotMatch(toldAgain.join(""), /"event"/);
  more.abort();
});
