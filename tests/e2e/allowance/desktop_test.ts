/** Time is up on a Linux desktop: the agent under its own permissions, the system's notify-send, a real bus. */
import assert from "node:assert/strict";
import { agentPermissions, permissionFlags } from "../../../build/permissions.ts";
import { hasDesktop, startDesktop } from "../../support/fakes/desktop.ts";
import { startFakeGame } from "../../support/fakes/fake_game.ts";
import { startAgent } from "../../support/process/agent_process.ts";
import { tempDir } from "../../support/temp.ts";
import { until } from "../../support/until.ts";

const GAME = "ClockBlockDesktop.exe";

Deno.test({
  name: "An agent that is configured so shows on the desktop that time is up, once",
  ignore: !hasDesktop,
  async fn() {
    await using desktop = await startDesktop();
    await using _game = await startFakeGame(GAME);
    await using agent = await startAgent({
      config: {
        process_name: { image: GAME, label: "<b>--Game</b>", daily_allowance_min: 0 },
        poll_interval_sec: 1,
        desktop_notifications: true,
      },
      // What a loader is told by this may not be handed on to any program.
      env: { ...desktop.env, LD_LIBRARY_PATH: "/nowhere" },
    });
    await until(() => desktop.shown.length === 1, "time is up on the desktop");
    const { app, title, urgency } = desktop.shown[0]!;
    assert.deepEqual([app, title, urgency], [
      "ClockBlock",
      "<b>--Game</b>: No minutes left today",
      2,
    ]);
    const used = async () => {
      const { used_min } = await fetch(`${agent.url}/allowance`).then((answer) => answer.json());
      return Number(used_min);
    };
    const before = await used();
    await until(async () => await used() > before, "play goes on");
    assert.equal(desktop.shown.length, 1);
    const { warnings } = await fetch(`${agent.url}/status`).then((answer) => answer.json());
    assert.deepEqual(warnings, []);
    // Every notify-send has been waited for: none is left over as a zombie.
    const children = Deno.readTextFileSync(`/proc/${agent.pid}/task/${agent.pid}/children`);
    for (const pid of children.split(" ").filter((pid) => pid !== "")) {
      assert.doesNotMatch(commandOf(pid), /notify-send/);
    }
  },
});

Deno.test({
  name: "An agent on a machine without a bus warns, and goes on counting",
  ignore: !hasDesktop,
  async fn() {
    await using _game = await startFakeGame(GAME);
    await using agent = await startAgent({
      config: {
        process_name: GAME,
        poll_interval_sec: 1,
        daily_allowance_min: 0,
        desktop_notifications: true,
      },
      env: { DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere/bus" },
    });
    const status = () => fetch(`${agent.url}/status`).then((answer) => answer.json());
    await until(async () => (await status()).warnings.length > 0, "the warning");
    const { warnings, today } = await status();
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0].message,
      /^Cannot show notifications on the desktop: notify-send ended with code 1/,
    );
    await until(
      async () => (await status()).today.minutes_used > today.minutes_used,
      "play goes on",
    );
  },
});

Deno.test({
  name: "The right to notify is given up for good where it is not configured",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using dir = tempDir();
    const script = `${dir.path}/asks.ts`;
    const main = new URL("../../../src/cli/mod.ts", import.meta.url).href;
    Deno.writeTextFileSync(
      script,
      `import { main } from "${main}";
      const rights = [
        ...["ps", "notify-send"].map((name) => ({ name: "run", command: "/usr/bin/" + name })),
        ...["CLOCKBLOCK_X", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"]
          .map((variable) => ({ name: "env", variable })),
      ];
      const states = () => rights.map((right) => Deno.permissions.querySync(right).state);
      const before = states();
      await main(["today", ...Deno.args]);
      for (const right of rights) Deno.permissions.requestSync(right);
      Deno.writeTextFileSync("asked", JSON.stringify({ before, after: states() }));`,
    );
    const granted = Array(5).fill("granted");
    for (
      const [args, after] of [
        [["--desktop-notifications"], granted],
        [[], ["granted", "prompt", "granted", "denied", "denied"]],
      ] as const
    ) {
      await new Deno.Command(Deno.execPath(), {
        args: [
          ...[
            "run",
            "--quiet",
            `--config=${new URL("../../../deno.json", import.meta.url).pathname}`,
          ],
          ...[...permissionFlags(agentPermissions), script, ...args],
        ],
        cwd: dir.path,
        stdout: "null",
        stderr: "null",
      }).output();
      assert.deepEqual(JSON.parse(Deno.readTextFileSync(`${dir.path}/asked`)), {
        before: granted,
        after,
      });
    }
  },
});

function commandOf(pid: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch {
    // It has ended meanwhile.
    return "";
  }
}
