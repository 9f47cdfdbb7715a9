/** @module */
import assert from "node:assert/strict";
import { runAgent } from "../../support/agent_process.ts";
import { startFakeGame } from "../../support/fake_game.ts";
import { cliFolder } from "../../support/cli.ts";
import { tempDir } from "../../support/temp.ts";

const GAME = Deno.build.os === "windows" ? "Odd Game.exe" : "Odd Game";

Deno.test("processes shows a game that is not counted by its name, and that it counts once it is named", async () => {
  await using _game = await startFakeGame(GAME);
  using folder = cliFolder({ process_name: "Minecraft.exe" });
  const before = await folder.cli("processes", "--json");
  assert.equal(before.code, 0, before.err);
  const seen = before.out.trimEnd().split("\n").map((line) => JSON.parse(line))
    .find(({ image }) => image === GAME);
  assert.equal(seen?.counts, false);

  const after = await folder.cli("processes", "--process-name", "Odd*");
  assert.match(after.out, /^counts {2}Odd Game/);
  assert.match(after.out, /\n\d+ programs run, 1 of them counts as the game\./);
  assert.deepEqual(folder.files(), ["config.json"]);
});

Deno.test("processes lists programs under the agent's real permissions", async () => {
  using dir = tempDir();
  const { code, stdout, stderr } = await runAgent(["processes"], { dir: dir.path });
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /deno/);
  assert(!/\n {8}\[/.test(stdout), "threads of the kernel are no programs");
});
