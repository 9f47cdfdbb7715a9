/**
 * `install` and `uninstall` as people run them: a process of its own with the agent's permissions, and a systemd that
 * starts what it is told to.
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { agentPermissions } from "../../../build/permissions.ts";
import { runAgent, startAgent } from "../../support/process/agent_process.ts";
import { type FakeSystemctl, fakeSystemctl } from "../../support/fakes/fake_systemctl.ts";
import { tempDir } from "../../support/temp.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const ignore = Deno.build.os !== "linux";

Deno.test({
  name:
    "ClockBlock install starts the agent by the system and says what it did; uninstall undoes it",
  ignore,
  async fn() {
    using place = await clockblockIn("Zoë's play 100%");
    using systemctl = fakeSystemctl();
    const cli = commandLine(place.folder, systemctl);

    const first = await cli("install", "--process-name", "no such game");
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /^Wrote .*\/Zoë's play 100%\/clockblock\.service$/m);
    assert.match(first.stdout, /^Ran +systemctl --user start clockblock\.service$/m);
    const url = /^Runs at +(http:\S+)$/m.exec(first.stdout)?.[1];
    assert.match(first.stdout, /^Installed: /m);
    assert.equal((await (await fetch(`${url}/status`)).json()).is_playing, false);

    const second = await cli("install", "--process-name", "no such game");
    assert.equal(second.code, 0, second.stderr);
    assert.match(second.stdout, /^Already installed: /m);
    assert(second.stdout.includes(`Runs at    ${url}\n`), "not the same agent");
    assert.equal(systemctl.calls().length, 3);

    const undone = await cli("uninstall");
    assert.equal(undone.code, 0, undone.stderr);
    assert.match(undone.stdout, /^Uninstalled: .*What was recorded is still there\.$/m);
    assert(!undone.stdout.includes("still runs"));
    await assert.rejects(fetch(`${url}/status`));
    const left = [...Deno.readDirSync(place.folder)].map(({ name }) => name);
    assert(left.includes("clockblock.db") && !left.includes("clockblock.service"), left.join());

    const again = await cli("uninstall");
    assert.deepEqual([again.code, again.stderr], [0, ""]);
    assert.match(again.stdout, /^Nothing to undo/);
  },
});

Deno.test({
  name: "ClockBlock install leaves an agent alone that somebody started by hand",
  ignore,
  async fn() {
    using place = await clockblockIn("play");
    using systemctl = fakeSystemctl();
    await using agent = await startAgent({ dir: place.folder });
    const { code, stdout, stderr } = await commandLine(place.folder, systemctl)("install");
    assert.equal(code, 0, stderr);
    assert(
      stdout.includes(`Left alone the agent that already runs (process ${agent.pid})`),
      stdout,
    );
    assert(stdout.includes(`Runs at    ${agent.url}\n`), stdout);
    assert.deepEqual(systemctl.calls().map((call) => call.split(" ")[0]), [
      "enable",
      "daemon-reload",
    ]);
  },
});

Deno.test({
  name: "ClockBlock install --dry-run shows files and commands, and changes nothing",
  ignore,
  async fn() {
    using place = await clockblockIn("play");
    using systemctl = fakeSystemctl();
    const { code, stdout, stderr } = await commandLine(place.folder, systemctl)(
      "install",
      "--dry-run",
    );
    // Tests may well run with the Deno of `npx deno`, which the command has a word to say about.
    assert.deepEqual([code, stderr.replace(/^Deno lies in npx's cache.*\n/, "")], [0, ""]);
    assert.match(stdout, /^Would write .*clockblock\.service:\n\n.*Made by clockblock install/m);
    assert.match(stdout, /^Would run systemctl --user start clockblock\.service$/m);
    assert.deepEqual(systemctl.calls(), [""]);
    assert.deepEqual(names(place.folder), ["config.json", "deno.json", "main.ts"]);
  },
});

Deno.test({
  name:
    "ClockBlock install ends with code 1 where there is no systemd, and says how to do it by hand",
  ignore,
  async fn() {
    using place = await clockblockIn("play");
    using empty = tempDir();
    const path = { PATH: empty.path };
    const { code, stdout, stderr } = await runAgent(["install"], {
      dir: place.folder,
      entry: "main.ts",
      env: path,
    });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(
      stderr,
      /^Cannot find systemctl on this system\. Have your system run this at login/,
    );
    assert.match(stderr, /\n {2}\S+ run .*main\.ts\n$/);
    assert.deepEqual(names(place.folder), ["config.json", "deno.json", "main.ts"]);
  },
});

Deno.test({
  name:
    "ClockBlock install installs nothing that could not start: a port that is taken, a key that is unknown",
  ignore,
  async fn() {
    using place = await clockblockIn("play");
    using systemctl = fakeSystemctl();
    using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const cli = commandLine(place.folder, systemctl);
    const taken = await cli("install", "--api-port", `${other.addr.port}`);
    assert.equal(taken.code, 2);
    assert.match(
      taken.stderr,
      /^Cannot start ClockBlock: another program uses port .* shows which/,
    );
    Deno.writeTextFileSync(`${place.folder}/config.json`, '{ "api_prot": 1 }');
    const unknown = await cli("install");
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /^Unknown key api_prot/);
    assert.deepEqual(systemctl.calls(), [""]);
    assert.deepEqual(names(place.folder), ["config.json", "deno.json", "main.ts"]);
  },
});

Deno.test({
  name: "ClockBlock gives up what only install needs before it does anything else, for good",
  ignore,
  async fn() {
    using systemctl = fakeSystemctl();
    using dir = tempDir();
    const script = `${dir.path}/asks.ts`;
    Deno.writeTextFileSync(
      script,
      `import { main } from "${root}src/cli/mod.ts";
      const rights = [
        ...["ps", "systemctl", "cp", "rm", "mkdir"].map((command) => ({ name: "run", command })),
        { name: "sys", kind: "hostname" },
        { name: "sys", kind: "homedir" },
      ];
      const states = () => rights.map((right) => Deno.permissions.querySync(right).state);
      const before = states();
      const code = await main(["today", "--db-path", "nowhere.db"]);
      for (const right of rights) Deno.permissions.requestSync(right);
      Deno.writeTextFileSync("${dir.path}/told", JSON.stringify({ before, code, after: states() }));`,
    );
    // As from source, where the set grants the programs of every system.
    const { run, sys } = agentPermissions;
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-prompt", `--config=${root}deno.json`],
        ...["--allow-read", "--allow-write", "--allow-net", "--allow-env"],
        `--allow-run=${run}`,
        `--allow-sys=${sys}`,
        script,
      ],
      env: { PATH: `${systemctl.folder}:${Deno.env.get("PATH")}` },
    }).output();
    assert.equal(new TextDecoder().decode(stderr).split("\n").length, 2, "one line: no database");
    assert.deepEqual(JSON.parse(Deno.readTextFileSync(`${dir.path}/told`)), {
      before: Array(7).fill("granted"),
      code: 1,
      after: ["granted", "prompt", "prompt", "prompt", "prompt", "granted", "prompt"],
    });
  },
});

/** A folder with the program in it: its bundle under the name of the source, so that it takes itself for that. */
async function clockblockIn(name: string): Promise<{ folder: string } & Disposable> {
  const parent = tempDir();
  const folder = `${parent.path}/${name}`;
  Deno.mkdirSync(folder);
  Deno.writeFileSync(`${folder}/main.ts`, await (bundled ??= bundle()));
  const { workspace: _, lock: __, ...project } = JSON.parse(
    Deno.readTextFileSync(`${root}deno.json`),
  );
  Deno.writeTextFileSync(`${folder}/deno.json`, JSON.stringify(project));
  Deno.writeTextFileSync(`${folder}/config.json`, JSON.stringify({ api_port: 0 }));
  return { folder, [Symbol.dispose]: () => parent[Symbol.dispose]() };
}

let bundled: Promise<Uint8Array> | undefined;

async function bundle(): Promise<Uint8Array> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "deno", "main.ts"],
    cwd: root,
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return stdout;
}

function commandLine(
  dir: string,
  systemctl: FakeSystemctl,
): (...args: string[]) => ReturnType<typeof runAgent> {
  const env = { PATH: `${systemctl.folder}:${Deno.env.get("PATH")}` };
  const mayRun = `${systemctl.folder}/systemctl`;
  return (...args) => runAgent(args, { dir, entry: "main.ts", env, mayRun });
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}
