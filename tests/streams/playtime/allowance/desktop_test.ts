/** With the system's own `notify-send` where a desktop can be had, with programs that fail elsewhere. */
import assert from "node:assert/strict";
import { Hub, systemClock, Warnings } from "../../../../src/core/mod.ts";
import {
  type DesktopOptions,
  notifyDesktop,
} from "../../../../src/streams/playtime/allowance/desktop.ts";
import { FakeClock } from "../../../support/fakes/fake_clock.ts";
import { type Desktop, hasDesktop, startDesktop } from "../../../support/fakes/desktop.ts";
import { tempDir } from "../../../support/temp.ts";
import { until } from "../../../support/until.ts";

const linux = Deno.build.os === "linux";

/** The notifier at work. */
function notifying(options: Partial<DesktopOptions> = {}) {
  const hub = new Hub();
  const warnings = new Warnings();
  const end = new AbortController();
  const { signal } = end;
  const ended = notifyDesktop({
    ...{ hub, warnings, signal, clock: systemClock, variable: () => undefined },
    ...options,
  });
  return {
    hub,
    messages: () => warnings.list().map(({ message }) => message),
    cross: (body: string, { symbol = null, severity = "info" }: {
      symbol?: string | null;
      severity?: "info" | "warning";
    } = {}) => hub.publish("allowance", { event: { body, symbol, severity } }),
    async [Symbol.asyncDispose]() {
      end.abort();
      await ended;
    },
  };
}

const onDesktop = ({ env }: Desktop) => ({ variable: (name: string) => env[name] });

/** A program in the place of notify-send. */
function script(text: string): { path: string; folder: string } & Disposable {
  const dir = tempDir();
  const path = `${dir.path}/notify-send`;
  Deno.writeTextFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return { path, folder: dir.path, [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

Deno.test({
  name: "Thresholds are shown on the desktop, grants and other messages are not",
  ignore: !hasDesktop,
  async fn() {
    await using desktop = await startDesktop();
    await using test = notifying(onDesktop(desktop));
    test.hub.publish("allowance", { grant: { extra_min: 30 } });
    test.hub.publish("events", { event: { body: "another", symbol: "another", severity: "info" } });
    test.cross("15 minutes left today");
    await until(() => desktop.shown.length === 1, "the first is shown");
    test.cross("No minutes left today", { severity: "warning" });
    await until(() => desktop.shown.length === 2, "the second is shown");
    assert.deepEqual(desktop.shown, [
      { app: "ClockBlock", title: "15 minutes left today", body: "", urgency: 1 },
      { app: "ClockBlock", title: "No minutes left today", body: "", urgency: 2 },
    ]);
    assert.deepEqual(test.messages(), []);
  },
});

Deno.test({
  name: "A label is shown as it is, whatever it means to options, markup, escapes or shells",
  ignore: !hasDesktop,
  async fn() {
    await using desktop = await startDesktop();
    await using test = notifying(onDesktop(desktop));
    const labels = [
      "--urgency=low",
      "-t 1",
      "<b>bold</b> &amp; <a href='x'>y</a>",
      "C:\\new\\t\\101",
      "$(reboot) `id` %s \"'",
      "Größe 漢字 🎮",
    ];
    for (const [index, label] of labels.entries()) {
      test.cross(`${label}: 5 minutes left today`, { symbol: label });
      await until(() => desktop.shown.length === index + 1, label);
    }
    assert.deepEqual(
      desktop.shown.map(({ title, body, urgency }) => [title, body, urgency]),
      labels.map((label) => [`${label}: 5 minutes left today`, "", 1]),
    );
  },
});

Deno.test({
  name: "Of thresholds that become due together the newest is shown, and of each game its own",
  ignore: !hasDesktop,
  async fn() {
    await using desktop = await startDesktop();
    await using test = notifying(onDesktop(desktop));
    for (const minutes of [15, 5, 0]) test.cross(`${minutes} minutes left today`);
    test.cross("Roblox: 5 minutes left today", { symbol: "Roblox" });
    await until(() => desktop.shown.length === 2, "both are shown");
    test.cross("last", { symbol: "last" });
    await until(() => desktop.shown.length === 3, "what came after them is shown");
    assert.deepEqual(
      desktop.shown.map(({ title }) => title),
      ["0 minutes left today", "Roblox: 5 minutes left today", "last"],
    );
  },
});

Deno.test({
  name: "Without a desktop there is one warning, which is over with the next notification",
  ignore: !hasDesktop,
  async fn() {
    await using desktop = await startDesktop();
    let address: string | undefined = "unix:path=/nowhere/bus";
    using late = script(
      `[ "$1" = --version ] && exit; DBUS_SESSION_BUS_ADDRESS=$(cat "$0.bus") exec /usr/bin/notify-send "$@"`,
    );
    Deno.writeTextFileSync(`${late.path}.bus`, address);
    await using test = notifying({ program: late.path });
    test.cross("15 minutes left today");
    await until(() => test.messages().length === 1, "a warning");
    test.cross("5 minutes left today");
    address = desktop.env["DBUS_SESSION_BUS_ADDRESS"];
    Deno.writeTextFileSync(`${late.path}.bus`, address!);
    test.cross("No minutes left today");
    await until(() => test.messages().length === 0, "the warning is over");
    assert.equal(desktop.shown.at(-1)?.title, "No minutes left today");
  },
});

Deno.test({
  name: "A notify-send that is missing, fails or never ends is a warning at the start",
  ignore: !linux,
  async fn() {
    using fails = script("echo 'no such display' >&2; exit 3");
    using hangs = script("exec sleep 600");
    for (
      const [program, reason] of [
        ["/nowhere/notify-send", 'there is no program "/nowhere/notify-send" here'],
        [fails.path, `${fails.path} ended with code 3: no such display`],
        [hangs.path, "no answer within 10 s"],
      ] as const
    ) {
      const clock = new FakeClock();
      await using test = notifying({ program, clock });
      if (program === hangs.path) await clock.advance(10_000);
      await until(() => test.messages().length === 1, program);
      const expected = [`Cannot show notifications on the desktop: ${reason}.`];
      assert.deepEqual(test.messages(), expected);
      test.cross("15 minutes left today");
      assert.deepEqual(test.messages(), expected);
    }
  },
});

Deno.test({
  name: "A notify-send that hangs is killed and reaped, one at a time",
  ignore: !linux,
  async fn() {
    using hangs = script(
      `[ "$1" = --version ] && exit; echo $$ >>"$(dirname "$0")/started"; exec sleep 600`,
    );
    const started = () => {
      try {
        return Deno.readTextFileSync(`${hangs.folder}/started`).trim().split("\n");
      } catch {
        return [];
      }
    };
    const isThere = (pid: string) => {
      try {
        // A zombie has an entry too.
        return Deno.statSync(`/proc/${pid}`).isDirectory;
      } catch {
        return false;
      }
    };
    {
      const clock = new FakeClock();
      await using test = notifying({ program: hangs.path, clock });
      test.cross("one", { symbol: "one" });
      test.cross("two", { symbol: "two" });
      await until(() => started().length === 1, "the first has started");
      await clock.advance(9_999);
      assert.equal(started().length, 1, "the second waits for the first");
      await clock.advance(1);
      await until(() => started().length === 2, "the second has started");
      assert.equal(isThere(started()[0]!), false, "the first is gone");
    }
    assert.equal(isThere(started()[1]!), false, "the second ends with the agent");
  },
});

Deno.test("Elsewhere than on Linux a warning says where notifications are", async () => {
  await using test = notifying({ os: "windows", program: "/nowhere" });
  assert.deepEqual(test.messages(), [
    "Cannot show notifications on the desktop: desktop_notifications is for Linux, elsewhere the page notifies.",
  ]);
});
