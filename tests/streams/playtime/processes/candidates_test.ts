/** @module */
import assert from "node:assert/strict";
import { parsePs } from "../../../../src/streams/playtime/processes/ps.ts";
import { candidates } from "../../../../src/streams/playtime/mod.ts";

Deno.test("candidates are told once by name, what counts first, threads of the kernel not at all", async () => {
  const found = await candidates({ image: "java", command: "*minecraft*" }, {
    lister: () =>
      Promise.resolve([
        { image: "kworker/0:1", command: "[kworker/0:1]" },
        { image: "firefox", command: "firefox -P home" },
        { image: "java", command: "java -jar editor.jar" },
        { image: "java", command: "java -cp minecraft.jar Main" },
        { image: "bash", command: "bash" },
      ]),
  });
  assert.deepEqual(found.map(({ image, counts }) => [image, counts]), [
    ["java", true],
    ["bash", false],
    ["firefox", false],
  ]);
});

Deno.test("candidates tell once of a process that is listed by several names, by the one that counts", async () => {
  const lister = () =>
    Promise.resolve(
      parsePs(
        "S MainThread 7 1 /usr/bin/node server.js\nS MainThread 8 1 /usr/bin/node other.js\n" +
          "S Minecraft Launc 9 1 /opt/Minecraft Launcher Two --fast\n",
      ),
    );
  const told = async (name: string) =>
    (await candidates(name, { lister })).map(({ image, counts }) => [image, counts]);
  assert.deepEqual(await told("node"), [["node", true], ["Minecraft Launcher", false]]);
  assert.deepEqual(await told("Minecraft Launcher Two"), [
    ["Minecraft Launcher Two", true],
    ["MainThread", false],
  ]);
});

Deno.test("candidates tell what has the game's name but not its command", async () => {
  const found = await candidates(null, {
    lister: () =>
      Promise.resolve([
        { image: "bash", command: "bash" },
        { image: "java", command: "java -jar editor.jar" },
      ]),
  });
  assert.deepEqual(found.map(({ image, counts, nearly }) => [image, counts, nearly]), [
    ["java", false, true],
    ["bash", false, false],
  ]);
});
