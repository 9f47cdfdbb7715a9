/** @module */
import assert from "node:assert/strict";
import { runAgent } from "../../support/process/agent_process.ts";
import { startFakeGame } from "../../support/fakes/fake_game.ts";
import { cliFolder } from "../../support/process/cli.ts";
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

Deno.test({
  name: "processes shows a name that would steer the terminal without letting it",
  ignore: Deno.build.os === "windows",
  async fn() {
    using dir = tempDir();
    const path = `${dir.path}/evil\x1b[2J\u202egame`;
    Deno.copyFileSync("/bin/sleep", path);
    const evil = new Deno.Command(path, { args: ["60"] }).spawn();
    try {
      using folder = cliFolder();
      // deno-lint-ignore no-control-regex -- they are what must not be there
      const steering = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/;
      const text = await folder.cli("processes");
      assert.match(text.out, /evil/);
      assert.doesNotMatch(text.out, steering);
      const json = await folder.cli("processes", "--json");
      assert.doesNotMatch(json.out, steering);
      const images = json.out.trimEnd().split("\n").map((line) => JSON.parse(line).image);
      assert.ok(images.some((image) => image.startsWith("evil")));
    } finally {
      evil.kill();
      await evil.status;
    }
  },
});
