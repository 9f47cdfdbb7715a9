/** That an agent can be given a wrong clock, for it alone. */
import assert from "node:assert/strict";
import { startAgent } from "../support/process/agent_process.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { findLibrary, startClock } from "./clock.ts";

const DAY_SEC = 86_400;

Deno.test({
  name: "startClock sets an agent's clock ahead and back while it runs, and not its timers",
  ignore: findLibrary() === null,
  async fn() {
    using home = tempDir();
    const clock = startClock(`${home.path}/offset`);
    clock.set(3 * DAY_SEC);
    const config = { process_name: `Nobody${Deno.pid}.exe`, poll_interval_sec: 1 };
    await using agent = await startAgent({ config, env: clock.env });
    const { pid } = agent;
    /** How far the last heartbeat's stamp is off, in seconds. */
    const offSec = async () => {
      const { last_seen } = await (await fetch(`${agent.url}/status`)).json();
      return last_seen === null ? 0 : (Date.parse(last_seen) - Date.now()) / 1_000;
    };
    await until(async () => Math.abs(await offSec() - 3 * DAY_SEC) < 10, "a clock that is ahead");
    clock.set(-5 * 3_600);
    await until(async () => Math.abs(await offSec() + 5 * 3_600) < 10, "a clock that is behind");
    const { uptime_sec } = await (await fetch(`${agent.url}/status`)).json();
    assert.ok(uptime_sec >= 0 && uptime_sec < 300, `up for ${uptime_sec} s`);
    await agent.kill();
    clock.forget(pid);
    assert.deepEqual(
      [...Deno.readDirSync("/dev/shm")].filter(({ name }) => name.endsWith(`_${pid}`)),
      [],
    );
  },
});

Deno.test("startClock says what to install where libfaketime is missing", () => {
  using home = tempDir();
  assert.throws(
    () => startClock(`${home.path}/offset`, { library: null }),
    /libfaketime is not installed .*apt-get install libfaketime/,
  );
});
