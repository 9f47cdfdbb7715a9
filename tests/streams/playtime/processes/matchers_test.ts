import assert from "node:assert/strict";
import fc from "fast-check";
import {
  gamesFinder,
  imageTest,
  type Matcher,
  MAX_GAMES,
  neverSeen,
  type ProcessName,
  toMatchers,
} from "../../../../src/streams/playtime/processes/matchers.ts";
import type { Process } from "../../../../src/streams/playtime/processes/mod.ts";

const CP = "-cp /home/a/.minecraft/libraries/x.jar:/home/a/.minecraft/versions/1.21/1.21.jar";

const MINECRAFT: readonly [what: string, process: Process, playing: boolean][] = [
  ["Bedrock", { image: "Minecraft.Windows.exe" }, true],
  ["whatever is called Minecraft.exe", { image: "Minecraft.exe" }, true],
  ["that in another case", { image: "MINECRAFT.EXE" }, true],
  ["that on Linux", { image: "Minecraft", command: "/opt/Minecraft" }, true],
  ["Java Edition's window", { image: "javaw.exe", windowTitle: "Minecraft 1.21.4" }, true],
  ["a modded one", { image: "javaw.exe", windowTitle: "Minecraft* 1.20.1 - Singleplayer" }, true],
  [
    "one on a server",
    { image: "java.exe", windowTitle: "Minecraft 1.21 - Multiplayer (3rd-party Server)" },
    true,
  ],
  ["another Java window", { image: "javaw.exe", windowTitle: "IntelliJ" }, false],
  ["a Java program without a window", { image: "javaw.exe", windowTitle: "N/A" }, false],
  ["a Java program of which no more is known", { image: "javaw.exe" }, false],
  ["an old launcher", { image: "javaw.exe", windowTitle: "Minecraft Launcher 1.6" }, false],
  ["a server's window", { image: "java.exe", windowTitle: "Minecraft server" }, false],
  ["the launcher", { image: "MinecraftLauncher.exe" }, false],
  ["the launcher on Linux", { image: "minecraft-launcher" }, false],
  [
    "Java Edition's command",
    { image: "java", command: `java -Xmx2G ${CP} net.minecraft.client.main.Main --version 1.21` },
    true,
  ],
  [
    "one that the official launcher started",
    {
      image: "java",
      command:
        `java -Dminecraft.launcher.brand=minecraft-launcher ${CP} net.minecraft.client.main.Main`,
    },
    true,
  ],
  [
    "one of another launcher, which hands over the main class later",
    {
      image: "java",
      command:
        "/usr/bin/java -cp /home/a/.local/share/PrismLauncher/libraries/com/mojang/minecraft" +
        "/1.20/minecraft-1.20-client.jar:NewLaunch.jar org.prismlauncher.EntryPoint",
    },
    true,
  ],
  [
    "Fabric",
    { image: "java", command: `java ${CP} net.fabricmc.loader.impl.launch.knot.KnotClient` },
    true,
  ],
  [
    "a server",
    { image: "java", command: "java -Xmx2G -jar /opt/minecraft/server.jar nogui" },
    false,
  ],
  [
    "a Forge server",
    {
      image: "java",
      command: "java @user_jvm_args.txt @libraries/net/minecraftforge/forge/1.20.1/unix_args.txt",
    },
    false,
  ],
  ["a launcher in Java", { image: "java", command: "java -jar /home/a/Minecraft.jar" }, false],
  ["another Java program", { image: "java", command: "java -cp x.jar com.example.Main" }, false],
  ["an editor with a file of that name", { image: "vim", command: "vim Minecraft.exe" }, false],
];

for (const [what, process, playing] of MINECRAFT) {
  Deno.test(`MINECRAFT ${playing ? "is" : "is not"}: ${what}`, () => {
    const found = gamesFinder(toMatchers(undefined))([{ image: "init" }, process]);
    const minecraft = { label: "Minecraft", process_name: process.image };
    assert.deepEqual(found, playing ? [minecraft] : []);
  });
}

const CONFIGURED: readonly [name: ProcessName, process: Process, fits: boolean][] = [
  ["Game.exe", { image: "game.exe" }, true],
  ["Game", { image: "game.exe" }, true],
  ["Game.exe", { image: "game" }, true],
  ["Game.exe", { image: "game2.exe" }, false],
  ["*craft*", { image: "Minecraft.exe" }, true],
  ["craft*", { image: "Minecraft.exe" }, false],
  ["Mine*.exe", { image: "minetest" }, true],
  ["a*a", { image: "a" }, false],
  ["*", { image: "anything" }, true],
  [["one.exe", "two.exe"], { image: "two.exe" }, true],
  [{ image: "java", window_title: "*Home*" }, { image: "java", windowTitle: "At home" }, true],
  [{ image: "java", window_title: "*Home*" }, { image: "java", command: "Home" }, false],
  [{ image: "java", command: "*Main" }, { image: "java", command: "java Main" }, true],
  [
    { image: "java", command: "*Main", window_title: "x" },
    { image: "java", command: "Main" },
    false,
  ],
  [{ image: "java", except: ["*-x*"] }, { image: "java", command: "java -x" }, false],
  [{ image: "java", except: ["*-x*"] }, { image: "java" }, true],
];

for (const [name, process, fits] of CONFIGURED) {
  Deno.test(`${JSON.stringify(name)} ${fits ? "fits" : "does not fit"} ${JSON.stringify(process)}`, () => {
    assert.equal(gamesFinder(toMatchers(name))([process]).length, Number(fits));
  });
}

const names = (matchers: ProcessName, ...processes: Process[]) =>
  gamesFinder(toMatchers(matchers))(processes).map(({ label, process_name }) =>
    `${label}: ${process_name}`
  );

Deno.test("gamesFinder finds several games, in the order of the configuration", () => {
  const both = [{ image: "one.exe" }, { image: "two.exe" }];
  assert.deepEqual(names(["two.exe", "one.exe"], ...both), [
    "two.exe: two.exe",
    "one.exe: one.exe",
  ]);
});

Deno.test("gamesFinder counts a label once, however many of its processes run", () => {
  const roblox = { image: "Roblox*", label: "Roblox" };
  const player = { image: "RobloxPlayerBeta.exe" };
  assert.deepEqual(names(["other", roblox], { image: "RobloxStudio.exe" }, player), [
    "Roblox: RobloxStudio.exe",
  ]);
  assert.deepEqual(names("Roblox*", { image: "RobloxStudio.exe" }, player, player), [
    "RobloxStudio.exe: RobloxStudio.exe",
    "RobloxPlayerBeta.exe: RobloxPlayerBeta.exe",
  ]);
});

Deno.test("gamesFinder counts a process for the first game that it fits, by whichever name it is listed", () => {
  const matchers = [{ image: "java", command: "*mygame*", label: "My game" }, "java", "My*"];
  const java = { image: "java", command: "java mygame" };
  assert.deepEqual(names(matchers, java), ["My game: java"]);
  assert.deepEqual(names("Mine*", { image: "Mine a", pid: 7 }, { image: "Mine a b", pid: 7 }), [
    "Mine a: Mine a",
  ]);
});

Deno.test("gamesFinder finds at most MAX_GAMES", () => {
  const many = Array.from({ length: MAX_GAMES + 1 }, (_, index) => ({ image: `${index}` }));
  assert.equal(names("*", ...many).length, MAX_GAMES);
});

Deno.test("A pattern fits exactly what the same regular expression fits", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "."), maxLength: 8 });
  fc.assert(fc.property(letters, letters, (pattern, image) => {
    const parts = pattern.split("*").map((part) => part.replaceAll(".", "\\."));
    const expected = new RegExp(`^${parts.join(".*")}$`).test(image);
    assert.equal(imageTest(pattern)({ image }), expected);
  }));
});

const BLIND: readonly [matchers: readonly Matcher[], os: typeof Deno.build.os, blind: boolean][] = [
  [toMatchers(null), "windows", false],
  [toMatchers(null), "linux", false],
  [[{ image: "java", command: "*x*" }], "windows", true],
  [[{ image: "java", command: "*x*" }], "darwin", false],
  [[{ image: "java", window_title: "*x*" }], "linux", true],
  [[{ image: "java", window_title: "*x*" }, { image: "game" }], "linux", false],
];

for (const [matchers, os, blind] of BLIND) {
  Deno.test(`neverSeen is ${blind} on ${os} for ${JSON.stringify(matchers).slice(0, 80)}`, () => {
    assert.equal(neverSeen(matchers, os), blind);
  });
}
