/** The smoke test of executables, on the agent itself and on programs that are not as they should be. @module */
import assert from "node:assert/strict";
import { bundleAgent } from "../../build/compile.ts";
import { permissionFlags } from "../../build/permissions.ts";
import { smoke, type SmokeOptions } from "../../build/smoke.ts";
import { V8_FLAGS } from "../../build/v8_flags.ts";
import { version } from "../../src/core/mod.ts";
import { tempDir } from "../support/temp.ts";

const windows = Deno.build.os === "windows";
const script = new URL("../../build/smoke.ts", import.meta.url);

/** The agent's bundle in this folder, as words of a command; `before` is run in the same process, before the agent. */
function agent(
  dir: string,
  { before, anyhost = false }: { before?: string; anyhost?: boolean } = {},
): string[] {
  if (before !== undefined) {
    Deno.writeTextFileSync(`${dir}/before.js`, `${before};\nawait import("./agent.js");\n`);
  }
  const entry = `${dir}/${before === undefined ? "agent" : "before"}.js`;
  const flags = permissionFlags(undefined, { anyhost });
  return [Deno.execPath(), "run", "--quiet", V8_FLAGS, ...flags, entry];
}

/** The agent as one file that is not executable, as a download is; `install` does what the line says. */
function launcher(dir: string, install: string): string {
  const path = `${dir}/clockblock-anyhost-linux-x64`;
  const words = agent(dir, { anyhost: true }).map((word) => `'${word}'`).join(" ");
  const text = `#!/bin/sh
case $1 in
  install) ${install} ;;
  *) exec ${words} "$@" ;;
esac
`;
  Deno.writeTextFileSync(path, text, { mode: 0o644 });
  return path;
}

Deno.test("smoke sees the agent start, answer, end and come back with what it had", async () => {
  using dir = tempDir();
  await bundleAgent(dir.path);
  const steps: string[] = [];
  await smoke(agent(dir.path), { onStep: (text) => steps.push(text) });
  assert.equal(steps.length, 4);
  assert.equal(steps[0], `calls itself ${version}`);
  assert.match(steps[1]!, /^answers at \S+ as clockblock, with its page and \d+ routes$/);
});

Deno.test({
  name: "smoke starts a download where people put it, and ends with 0",
  ignore: windows,
  async fn() {
    using dir = tempDir();
    await bundleAgent(dir.path);
    const path = launcher(dir.path, 'echo "start $0 run"');
    const { code, stdout, stderr } = await run(path);
    assert.equal(code, 0, stderr);
    assert.match(stdout, / as clockblock-anyhost, /);
    assert.match(stdout, /would be started at login itself\n$/);
  },
});

Deno.test({
  name:
    "smoke refuses a download that would have another program started at login, and ends with 1",
  ignore: windows,
  async fn() {
    using dir = tempDir();
    await bundleAgent(dir.path);
    const path = launcher(dir.path, "echo start /elsewhere/clockblock run");
    const { code, stderr } = await run(path);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /install --dry-run does not start .*clockblock-anyhost-linux-x64:\nstart /,
    );
  },
});

const AT_RUN = 'if (Deno.args[0] === "run")';

const WRONG: readonly {
  what: string;
  command: (dir: string) => string[];
  said: RegExp;
  options?: SmokeOptions;
  ignore?: boolean;
}[] = [
  {
    what: "has another version",
    command: (dir) => agent(dir),
    options: { version: "99.0.0" },
    said: /^Error: --version: expected "99\.0\.0", got "\d+\.\d+\.\d+"$/,
  },
  {
    what: "is the other flavour",
    command: (dir) => agent(dir, { anyhost: true }),
    said: /the flavour in \/status: expected "clockblock", got "clockblock-anyhost"$/,
  },
  {
    what: "ends at once",
    command: (dir) =>
      agent(dir, { before: `${AT_RUN} Deno.writeTextFileSync("config.json", "{")` }),
    said: /The agent ended with 2 before it was up; it printed:\n.*config\.json/,
  },
  {
    what: "never says where it is",
    command: (dir) =>
      agent(dir, { before: `${AT_RUN} await new Promise((resolve) => setTimeout(resolve, 1e6))` }),
    // As long as --version may take on a busy machine.
    options: { withinMs: 5_000 },
    said: /The agent never printed its address; it printed:\n$/,
  },
  {
    what: "does not end well",
    command: (dir) =>
      agent(dir, { before: `${AT_RUN} Deno.addSignalListener("SIGTERM", () => Deno.exit(4))` }),
    said: /The agent ended with 4 when asked to end; it printed:\nClockBlock /,
    // There it cannot be asked.
    ignore: windows,
  },
  {
    what: "forgets",
    command: (dir) =>
      agent(dir, { before: `${AT_RUN} await Deno.remove("clockblock.db").catch(() => {})` }),
    said: /\/history lacks the heartbeat of --once: [\da-f-]{36}$/,
  },
];

for (const { what, command, said, options = {}, ignore = false } of WRONG) {
  Deno.test({
    name: `smoke refuses a program that ${what}`,
    ignore,
    async fn() {
      using dir = tempDir();
      await bundleAgent(dir.path);
      await assert.rejects(smoke(command(dir.path), options), said);
    },
  });
}

/** The script as a command. */
async function run(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", script.href, ...words],
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}
