import assert from "node:assert/strict";
import {
  gamesFinder,
  imageWords,
  MINECRAFT,
  toMatchers,
} from "../../../../src/streams/playtime/processes/matchers.ts";
import { parsePs, ps } from "../../../../src/streams/playtime/processes/ps.ts";
import { startFakeGame } from "../../../support/fakes/fake_game.ts";

const { signal } = new AbortController();
const posix = Deno.build.os !== "windows";

const LINES: readonly [what: string, line: string, images: readonly string[]][] = [
  ["a plain program", "S sleep              4242       1 sleep 60", ["sleep"]],
  ["a program by its path", "S Minecraft.exe      4242       1 /home/a b/Minecraft.exe 60", [
    "Minecraft.exe",
  ]],
  [
    "a Windows program under Wine",
    "S Minecraft.exe      4242       1 Z:\\My Games\\Minecraft.exe -n 5",
    [
      "Minecraft.exe",
    ],
  ],
  ["a name that is cut", "S Minecraft.Windo    4242       1 /opt/mc/Minecraft.Windows.exe -x", [
    "Minecraft.Windows.exe",
  ]],
  [
    "a cut name with spaces, as what it could be",
    "S Minecraft Launc    4242       1 /opt/Minecraft Launcher Two --fast",
    ["Minecraft Launcher", "Minecraft Launcher Two"],
  ],
  ["a program that renamed itself", "S MainThread         4242       1 /usr/bin/node server.js", [
    "MainThread",
    "node",
  ]],
  [
    "a folder with the game's name",
    "S tool               4242       1 /home/a/Minecraft games/tool --x",
    ["tool"],
  ],
  ["a script by its own name", "S Minecraft.exe      4242       1 /bin/sh /home/a/Minecraft.exe", [
    "Minecraft.exe",
  ]],
  ["a thread of the kernel", "I kworker/0:1-eve    4242       1 [kworker/0:1-events]", [
    "kworker/0:1-eve",
  ]],
  ["a zombie, which has ended", "Z Minecraft.exe      4242       1 [Minecraft.exe] <defunct>", []],
  ["a name with numbers in it", "S Civ 6 Launcher     4242       1 /opt/Civ 6 Launcher -x", [
    "Civ 6 Launcher",
  ]],
  [
    "a name in another alphabet, cut within a letter",
    "S Würfel Игр?     4242  1 /opt/Würfel Игра.exe",
    [
      "Würfel Игра.exe",
    ],
  ],
  ["a name of wide letters", "S Würf 日本.ex    4242  1 /opt/Würf 日本.exe", ["Würf 日本.exe"]],
  ["a program without a command", "S sd-pam             4242       1 ", ["sd-pam"]],
];

for (const [what, line, images] of LINES) {
  Deno.test(`parsePs lists ${what}`, () => {
    assert.deepEqual(parsePs(`${line}\n`).map(({ image }) => image), images);
  });
}

Deno.test("parsePs reads the columns of macOS", () => {
  const list =
    "Ss   launchd              1     0 /sbin/launchd\nR+   java             900     1 /opt/jre/bin/java -cp x Main\n";
  assert.deepEqual(parsePs(list), [
    { image: "launchd", pid: 1, command: "/sbin/launchd" },
    { image: "java", pid: 900, command: "/opt/jre/bin/java -cp x Main" },
  ]);
});

Deno.test("parsePs leaves out what has none of the words, whatever else it is", () => {
  const list =
    "S init 1 0 /sbin/init\nS JAVA 7 1 JAVA -jar x\nno process\nS Wü日.exe 8 1 Wü日.exe\n";
  const images = (...names: string[]) =>
    parsePs(list, imageWords(toMatchers(names))).map(({ image }) => image);
  assert.deepEqual(images("java.exe"), ["init", "JAVA"]);
  assert.deepEqual(images("wü日"), ["init", "Wü日.exe"]);
  assert.throws(() => images("java", "日*"), /not a process: number 3/);
});

for (const output of ["", "\n", "ps: bad option\n", "123 456\n", "\u0000\u0001"]) {
  Deno.test(`parsePs does not take for a list: ${JSON.stringify(output)}`, () => {
    assert.throws(() => parsePs(output), SyntaxError);
  });
}

Deno.test({
  name: "ps finds a running Minecraft.exe",
  ignore: !posix,
  async fn() {
    await using _game = await startFakeGame("Minecraft.exe");
    const find = gamesFinder(MINECRAFT);
    assert.equal(find(await ps(MINECRAFT)({ signal }))[0]?.process_name, "Minecraft.exe");
  },
});

Deno.test({
  name:
    "ps finds a process by a name longer than the kernel keeps, in another alphabet, and no more once it has ended",
  ignore: !posix,
  async fn() {
    const name = `Würfel Игра ${crypto.randomUUID()}.exe`;
    const matchers = toMatchers(name);
    const find = gamesFinder(matchers);
    const game = await startFakeGame(name);
    try {
      assert.equal(find(await ps(matchers)({ signal }))[0]?.process_name, name);
    } finally {
      await game.stop();
    }
    assert.deepEqual(find(await ps(matchers)({ signal })), []);
  },
});

Deno.test("parsePs keeps 260 characters of a name that a program gave itself", () => {
  const [process] = parsePs(`S ${"x".repeat(15)} 4242 1 /opt/${"x".repeat(60_000)} --now`);
  assert.equal(process?.image, "x".repeat(260));
});
