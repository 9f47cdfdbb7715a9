/**
 * The agent as a person meets it: a process in a folder of its own, under the permissions it ships with.
 * @module
 */
import assert from "node:assert/strict";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { startFakeGame } from "../support/fakes/fake_game.ts";
import { FaultyServer } from "../support/servers/faulty_server.ts";
import { ownMs } from "../support/process/own_time.ts";
import { tempDir } from "../support/temp.ts";

const GAME = "ClockBlockGame.exe";
const WATCHED = { process_name: GAME, poll_interval_sec: 1 };

interface Heartbeat {
  id: string;
  is_playing: boolean;
}

/** Asks until the answer satisfies; with what came last when it does not in time. */
async function eventually<T>(ask: () => Promise<T>, satisfied: (answer: T) => boolean): Promise<T> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (satisfied(answer)) return answer;
    if (performance.now() > deadline) {
      throw new Error(`Waited in vain; the last answer was ${JSON.stringify(answer)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function get<T>(agent: AgentProcess, path: string): Promise<T> {
  const response = await fetch(agent.url + path);
  assert.equal(response.status, 200, path);
  return await response.json() as T;
}

const history = (agent: AgentProcess) => get<Heartbeat[]>(agent, "/history?limit=5000");
const minutes = async (agent: AgentProcess) =>
  (await get<{ minutes_used: number }>(agent, "/daily")).minutes_used;

Deno.test("The agent counts the game's time and loses none of it when it is killed", async () => {
  using dir = tempDir();
  const first = await startAgent({ dir: dir.path, config: WATCHED });
  {
    await using _game = await startFakeGame(GAME);
    await eventually(
      () => history(first),
      (rows) => rows.filter((row) => row.is_playing).length >= 3,
    );
    const { is_playing } = await get<{ is_playing: boolean }>(first, "/status");
    assert.equal(is_playing, true);
  }
  await eventually(() => history(first), ([newest]) => newest?.is_playing === false);
  const before = await history(first);
  await first.kill();

  const second = await startAgent({ dir: dir.path, config: WATCHED });
  const after = await history(second);
  const played = after.filter((row) => row.is_playing).length;
  assert.deepEqual(after.slice(-before.length), before);
  assert.equal(Math.round(await minutes(second) * 60), played);
  await second.kill();
});

Deno.test("The agent brings everything to an endpoint that was away, once", async () => {
  await using server = await FaultyServer.start();
  const { port } = server;
  await server.close();
  await using agent = await startAgent({
    config: {
      ...WATCHED,
      sync_interval_sec: 1,
      endpoint_url: `http://127.0.0.1:${port}/ingest`,
      device_token: "secret",
    },
  });
  await eventually(() => history(agent), (rows) => rows.length >= 3);
  const away = await eventually(
    () => get<{ online: boolean | null }>(agent, "/status"),
    ({ online }) => online === false,
  );
  assert.equal(away.online, false);
  await server.listen(port);
  const sent = await eventually(
    async () => (await history(agent)).map(({ id }) => id),
    (ids) => ids.slice(-3).every((id) => server.rows.has(id)),
  );
  assert.ok(sent.length >= 3);
  for (const [id, times] of server.deliveries) assert.equal(times, 1, id);
});

// On Windows nobody can ask it.
const ignore = Deno.build.os === "windows";
Deno.test("The agent stops within two seconds of being asked to", { ignore }, async () => {
  await using agent = await startAgent({ config: WATCHED });
  const stream = await fetch(`${agent.url}/stream`);
  const tookMs = await ownMs(() => agent.stop(), agent);
  assert.equal((await agent.ended).code, 0, agent.output);
  assert.ok(tookMs < 2_000, `${tookMs} ms`);
  await stream.body?.cancel().catch(() => {});
});
