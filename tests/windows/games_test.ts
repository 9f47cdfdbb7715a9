/**
 * Two games at once on Windows, each a real process of `tasklist`: the total counts the time once, each game has it,
 * and thresholds come once each. Runs on Windows, and wherever Windows programs can be run (see windows.ts).
 * @module
 */
import assert from "node:assert/strict";
import { bundleAgent } from "../../build/compile.ts";
import { startAgent } from "../support/process/agent_process.ts";
import { until } from "../support/until.ts";
import { tempFolder, windows } from "./windows.ts";

const POLL_SEC = 2;
/** How long a process is there where it cannot be told to end. */
const GAME_SEC = 20;

const here = windows();

Deno.test({
  name:
    "Agent on Windows counts two games at once once in the total, and each threshold comes once",
  ignore: !here,
  async fn() {
    using folder = await tempFolder("clockblock games");
    await bundleAgent(folder.path);
    await using agent = await startAgent({
      dir: folder.path,
      entry: "agent.js",
      config: {
        time_zone: "UTC",
        process_name: [
          { image: "ClockBlockOne.exe", label: "One" },
          { image: "ClockBlockTwo.exe", label: "Two", daily_allowance_min: 0.05 },
        ],
        poll_interval_sec: POLL_SEC,
        daily_allowance_min: 0.1,
      },
      ...here!.emulated ? { emulated: here!.emulated } : {},
    });
    const get = async <T>(path: string): Promise<T> => await (await fetch(agent.url + path)).json();
    const played = async () => {
      const rows = await get<{ label: string; minutes_used: number }[]>("/games");
      return Object.fromEntries(rows.map(({ label, minutes_used }) => [label, minutes_used]));
    };
    const thresholds = async () => {
      const rows = await get<{ symbol: string | null; meta: { threshold: number } }[]>(
        "/local/events?mode=clockblock",
      );
      return rows.map(({ symbol, meta: { threshold } }) => `${symbol ?? "all"} ${threshold}`);
    };

    const options = { cwd: folder.path, seconds: GAME_SEC };
    await using _one = await here!.startGame("ClockBlockOne.exe", options);
    await using _two = await here!.startGame("ClockBlockTwo.exe", options);
    const expected = ["all 0", "all 15", "all 5", "Two 0", "Two 15", "Two 5"];
    await until(async () => (await thresholds()).length >= expected.length, "all thresholds");
    const { Two: before = 0 } = await played();
    await until(async () => ((await played())["Two"] ?? 0) > before, "both games go on");
    assert.deepEqual((await thresholds()).sort(), expected.sort());

    await Promise.all([_one.stop(), _two.stop()]);
    await until(
      async () => (await get<{ is_playing: boolean | null }>("/status")).is_playing === false,
      "both games have ended",
    );
    const history = await get<{ is_playing: boolean }[]>("/history");
    const playing = history.filter(({ is_playing }) => is_playing).length;
    const { minutes_used } = await get<{ minutes_used: number }>("/daily");
    const { One = 0, Two = 0 } = await played();
    assert.ok(Math.abs(minutes_used - playing * POLL_SEC / 60) < 1e-6, `${minutes_used}`);
    assert.ok(Math.max(One, Two) <= minutes_used + 1e-6, `${One} and ${Two} of ${minutes_used}`);
    assert.ok(One + Two > minutes_used, `${One} and ${Two} of ${minutes_used}`);
  },
});
