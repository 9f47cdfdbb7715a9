/** The programs of tasks that take arguments, or must not take any: each as a person calls it. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** With what each says how it is called, and what it cannot understand. */
const programs: Readonly<Record<string, { usage: RegExp; wrong: readonly string[] }>> = {
  "tests/soak/main.ts": { usage: /deno task soak \[--minutes/, wrong: ["--hour=8"] },
  "tests/bench/fleet.ts": { usage: /deno task fleet \[devices/, wrong: ["many"] },
  "tests/upgrade/make.ts": { usage: /deno task upgrade:fixture/, wrong: ["--version"] },
  "tests/dashboard/screenshots.ts": { usage: /deno task screenshots/, wrong: ["--dark"] },
  "build/demo.ts": { usage: /deno task demo \[port/, wrong: ["--port=1"] },
  "build/compile.ts": { usage: /deno task build/, wrong: ["--targets"] },
};

for (const [program, { usage, wrong }] of Object.entries(programs)) {
  Deno.test(`${program} tells how it is called, and ends with 2 where it is called otherwise`, async () => {
    const [help, error] = await Promise.all([run(program, ["--help"]), run(program, wrong)]);
    assert.equal(help.code, 0, help.stderr);
    assert.match(help.stdout, usage);
    assert.equal(error.code, 2, error.stderr);
    assert.equal(error.stdout, "");
    assert.notEqual(error.stderr.trim(), "");
    assert.doesNotMatch(error.stderr, /\n\s+at /);
  });
}

Deno.test("tests/soak/main.ts refuses a length that is none", async () => {
  for (const args of [["--minutes=0"], ["--hours=soon"], ["--seed=1.5"], ["5"]]) {
    const { code, stderr } = await run("tests/soak/main.ts", args);
    assert.equal(code, 2, `${args}: ${stderr}`);
    assert.match(stderr, /deno task soak/);
  }
});

async function run(
  program: string,
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", "--no-check", root + program, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}
