/** @module */
import assert from "node:assert/strict";
import { permissionFlags, type PermissionOptions } from "../../build/permissions.ts";
import { requireRuntime } from "../../src/core/mod.ts";
import { tempDir } from "../support/temp.ts";

Deno.test("flavour tells the two releases apart by what they may do", async () => {
  using dir = tempDir();
  const source = new URL("../../src/core/version.ts", import.meta.url).href;
  const main = `${dir.path}/main.ts`;
  await Deno.writeTextFile(
    main,
    `import { flavour } from "${source}"; console.log(flavour());`,
  );
  const flavourWith = async (options: PermissionOptions) => {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", ...permissionFlags(undefined, options), main],
    }).output();
    return new TextDecoder().decode(stdout).trim();
  };
  assert.equal(await flavourWith({ hosts: ["cloud.example.org"] }), "clockblock");
  assert.equal(await flavourWith({ anyhost: true }), "clockblock-anyhost");
});

Deno.test("requireRuntime refuses what is older than was tried, and says what is needed", () => {
  for (const deno of ["2.7.11", "2.9.6", "2.10.0", "3.0.0", Deno.version.deno]) {
    requireRuntime(deno);
  }
  for (const deno of ["2.7.10", "2.7.9", "2.6.11", "1.46.3"]) {
    assert.throws(() => requireRuntime(deno), {
      message: `Cannot run on Deno ${deno}: ClockBlock needs 2.7.11 or newer`,
    });
  }
});
