/**
 * The agent on Windows, whole and from its bundle: the process list is `tasklist`'s, the paths are Windows', and
 * a kill is TerminateProcess. Runs on Windows, and wherever Windows programs can be run (see windows.ts).
 * @module
 */
import assert from "node:assert/strict";
import { bundleAgent } from "../../build/compile.ts";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { namesAreUnicode, tempFolder, type Windows, windows } from "./windows.ts";

const POLL_SEC = 2;
/** What the process list and a busy machine may add to a poll. */
const SLACK_SEC = 1.5;
/** How long the process is there where it cannot be told to end. */
const GAME_SEC = 9;

interface Heartbeat {
  timestamp_utc: string;
  is_playing: boolean;
}

const here = windows();

if (!here) {
  Deno.test.ignore(
    "Agent on Windows: skipped, CLOCKBLOCK_WINDOWS_DENO and CLOCKBLOCK_WINDOWS_PROCESS name no commands",
    () => {},
  );
} else {
  Deno.test("Agent on Windows sees Minecraft.exe start and stop within a poll, and counts its minutes", async () => {
    using folder = await folderOf("clockblock play time");
    await Deno.mkdir(`${folder.path}/play time`);
    await using agent = await start(here, folder.path, { db_path: "play time/clock block.db" });
    await secondsUntil(agent, false);

    await using game = await here.startGame("Minecraft.exe", {
      cwd: folder.path,
      seconds: GAME_SEC,
    });
    await game.started();
    const seenSec = await secondsUntil(agent, true);
    assert.ok(seenSec <= POLL_SEC + SLACK_SEC, `seen after ${seenSec} s`);

    await game.stop();
    const goneSec = await secondsUntil(agent, false);
    assert.ok(goneSec <= POLL_SEC + SLACK_SEC, `gone after ${goneSec} s`);

    const playing = (await get<Heartbeat[]>(agent, "/history")).filter((row) => row.is_playing);
    const { minutes_used } = await get<{ minutes_used: number }>(agent, "/daily");
    assert.ok(playing.length > 0);
    assert.ok(Math.abs(minutes_used - playing.length * POLL_SEC / 60) < 1e-6, `${minutes_used}`);
  });

  Deno.test("Agent on Windows keeps what it has counted when it is killed", async () => {
    using folder = await folderOf("clockblock killed");
    const unicode = await namesAreUnicode(here, folder.path);
    const data = unicode ? "Spielzeit für Zoë" : "play time";
    await Deno.mkdir(`${folder.path}/${data}`);
    const config = { db_path: `${data}/clock block.db` };
    let before: Heartbeat[];
    {
      await using agent = await start(here, folder.path, config);
      await using _game = await here.startGame("Minecraft.exe", {
        cwd: folder.path,
        seconds: GAME_SEC,
      });
      await secondsUntil(agent, true);
      before = await get<Heartbeat[]>(agent, "/history");
      await agent.kill("SIGKILL");
    }
    assert.ok((await Deno.stat(`${folder.path}/${config.db_path}`)).size > 0);

    await using agent = await start(here, folder.path, config);
    const after = await get<Heartbeat[]>(agent, "/history");
    assert.deepEqual(after.slice(-before.length), before);
    const played = after.filter((row) => row.is_playing).length * POLL_SEC / 60;
    const { minutes_used } = await get<{ minutes_used: number }>(agent, "/daily");
    assert.ok(Math.abs(minutes_used - played) < 1e-6, `${minutes_used} of ${played}`);
  });
}

/** A folder with the bundle in it, whose own name has a space where the agent sees that name. */
async function folderOf(name: string): ReturnType<typeof tempFolder> {
  const folder = await tempFolder(name);
  await bundleAgent(folder.path);
  return folder;
}

function start(
  { emulated }: Windows,
  dir: string,
  config: Readonly<Record<string, unknown>>,
): Promise<AgentProcess> {
  return startAgent({
    dir,
    entry: "agent.js",
    config: { process_name: "Minecraft.exe", poll_interval_sec: POLL_SEC, ...config },
    ...(emulated ? { emulated } : {}),
  });
}

async function get<T>(agent: AgentProcess, path: string): Promise<T> {
  const response = await fetch(`${agent.url}${path}`);
  assert.equal(response.status, 200, path);
  return await response.json();
}

/** How long it took until `/status` said so; before the first poll it says neither. */
async function secondsUntil(agent: AgentProcess, playing: boolean): Promise<number> {
  const since = performance.now();
  for (;;) {
    const { is_playing } = await get<{ is_playing: boolean | null }>(agent, "/status");
    const seconds = (performance.now() - since) / 1000;
    if (is_playing === playing) return seconds;
    assert.ok(seconds < GAME_SEC, `not after ${seconds} s; the agent printed:\n${agent.output}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
