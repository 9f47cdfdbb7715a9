/** The smoke test of executables, run by Deno for Windows on the agent there. @module */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { bundleAgent } from "../../build/compile.ts";
import { deno } from "../../build/deno.ts";
import { permissionFlags } from "../../build/permissions.ts";
import { V8_FLAGS } from "../../build/v8_flags.ts";
import { tempFolder, windows } from "./windows.ts";

const here = windows();
const root = fileURLToPath(new URL("../../", import.meta.url));

Deno.test({
  name: "smoke on Windows sees the agent start, answer, be ended and come back with what it had",
  ignore: !here,
  async fn() {
    using folder = await tempFolder("smoke");
    await bundleAgent(folder.path);
    await deno(
      ["bundle", "--platform", "deno", "-o", `${folder.path}/smoke.js`, "build/smoke.ts"],
      {
        cwd: root,
      },
    );
    const [program, ...before] = here!.emulated?.deno ?? [Deno.execPath()];
    // By its own path: the agent runs in a folder of its own.
    Deno.writeTextFileSync(
      `${folder.path}/start.js`,
      `import { smoke } from "./smoke.js";
      
      await smoke([Deno.execPath(), "run", "--quiet", ...Deno.args, Deno.cwd() + "\\\\agent.js"], {
        onStep: (text) => console.log(text),
      });`,
    );
    const { code, stdout, stderr } = await new Deno.Command(program!, {
      args: [...before, "run", "--allow-all", "start.js", V8_FLAGS]
        .concat(permissionFlags(undefined, { os: "windows" })),
      cwd: folder.path,
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim().split(/\r?\n/);
    assert.equal(code, 0, text(stderr).join("\n"));
    assert.equal(text(stdout).length, 4);
    assert.match(text(stdout)[1]!, /^answers at \S+ as clockblock, with its page and \d+ routes$/);
    assert.equal(text(stdout)[2], "can be ended");
  },
});
