/** @module */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  bundleAgent,
  compile,
  executablesOf,
  fileName,
  type Target,
  writeChecksums,
} from "../../build/compile.ts";
import { MAX_PAYLOAD_BYTES } from "../../build/inspect.ts";
import { V8_FLAGS } from "../../build/v8_flags.ts";
import project from "../../deno.json" with { type: "json" };
import { programPaths } from "../../src/core/mod.ts";
import { tempDir } from "../support/temp.ts";

// deno compile's own runtime has to be downloaded; the Deno that runs the test takes its place, since what is
// embedded does not depend on it.
const runtime = Deno.execPath();
const target = Deno.build.target as Target;
const { os } = Deno.build;

/** The process list, notifications; the rest is for `install` alone, and given up before anything else is done. */
const PROGRAMS: Partial<Record<typeof os, string[]>> = {
  windows: ["tasklist", "schtasks", "whoami"],
  linux: ["ps", "notify-send", "systemctl"],
  darwin: ["ps", "launchctl", "mkdir", "cp", "rm"],
};

Deno.test("compile embeds the bundle alone, with permissions that hold wherever it is started", async () => {
  using dir = tempDir();
  const bundle = await bundleAgent(dir.path);
  const executable = { target, anyhost: false, hosts: ["cloud.example.org:443"] };
  const output = `${dir.path}/${fileName(executable)}`;
  const { baked, files, payload } = await compile(executable, { bundle, output, runtime });

  const { permissions } = baked;
  assert.deepEqual(permissions.allow_read, ["./"]);
  assert.deepEqual(permissions.allow_write, ["./"]);
  assert.deepEqual(permissions.allow_run, PROGRAMS[os]?.flatMap((name) => programPaths(name, os)));
  assert.deepEqual(permissions.allow_env, [
    "CLOCKBLOCK_*",
    ...os === "linux" ? ["DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"] : [],
  ]);
  assert.deepEqual(permissions.allow_net?.slice(-2), [
    "*.supabase.co:443",
    "cloud.example.org:443",
  ]);
  assert.equal(permissions.allow_ffi, null);
  assert.equal(permissions.prompt, false);
  // The same stand in `deno task start`.
  assert.ok(V8_FLAGS.endsWith(`=${baked.v8_flags.slice(-2).join(",")}`));
  assert.ok(project.tasks.start.command.includes(V8_FLAGS));
  assert.deepEqual(files.map(({ path }) => path), ["agent.js"]);
  assert.equal(files[0]!.size, (await Deno.stat(bundle)).size);
  assert.ok(payload.byteLength <= MAX_PAYLOAD_BYTES);
  const documented = /runtime \(\d{4}-\d\d-\d\d:\s(\d+) KB\)/.exec(
    await Deno.readTextFile(new URL("../../docs/building.md", import.meta.url)),
  )?.[1];
  const kilobytes = payload.byteLength / 1024;
  assert.ok(Math.abs(Number(documented) / kilobytes - 1) < 0.1, `${documented} of ${kilobytes} KB`);

  await writeChecksums(dir.path);
  const hash = createHash("sha256").update(await Deno.readFile(output)).digest("hex");
  assert.equal(
    await Deno.readTextFile(`${dir.path}/SHA256SUMS`),
    `${hash}  ${fileName(executable)}\n`,
  );
});

Deno.test("compile removes an executable that must not be released", async () => {
  using dir = tempDir();
  const bundle = `${dir.path}/agent.js`;
  const output = `${dir.path}/clockblock`;
  const source = new URL("../../build/compile.ts", import.meta.url);
  const { pathname } = new URL("../", source);
  await Deno.writeTextFile(bundle, `console.log("made in ${pathname}")`);
  if (Deno.build.os === "windows") return;
  await assert.rejects(
    compile({ target, anyhost: true }, { bundle, output, runtime }),
    /Cannot release clockblock-anyhost-.*\n {2}a folder of this machine is named inside/,
  );
  await assert.rejects(Deno.stat(output), Deno.errors.NotFound);
});

Deno.test("executablesOf builds for this machine unless told otherwise", () => {
  assert.deepEqual(executablesOf([]), [{ target, anyhost: false, hosts: [] }]);
  assert.equal(executablesOf(["--help"]), undefined);
  assert.deepEqual(
    executablesOf(["--target", "x86_64-apple-darwin", "--allow-host", "http://10.0.0.7/in"]),
    [{ target: "x86_64-apple-darwin", anyhost: false, hosts: ["10.0.0.7:80"] }],
  );
});

Deno.test("executablesOf builds every system in both flavours for a release", () => {
  assert.deepEqual(executablesOf(["--all"])?.map(fileName).sort(), [
    "clockblock-anyhost-linux-arm64",
    "clockblock-anyhost-linux-x64",
    "clockblock-anyhost-macos-arm64",
    "clockblock-anyhost-macos-x64",
    "clockblock-anyhost-windows-x64.exe",
    "clockblock-linux-arm64",
    "clockblock-linux-x64",
    "clockblock-macos-arm64",
    "clockblock-macos-x64",
    "clockblock-windows-x64.exe",
  ]);
});

Deno.test("executablesOf says what is wrong with its arguments", () => {
  const wrong: [string[], RegExp][] = [
    [["--target", "amiga"], /Cannot build for "amiga": expected one of x86_64-pc-windows-msvc/],
    [["--allow-host", "*"], /Cannot allow the host "\*"/],
    [["--anyhost", "--allow-host", "a.example.org"], /no use for --allow-host/],
    [["--all", "--anyhost"], /goes with no other option/],
    [["--nope"], /--nope/],
    [["stray"], /stray/],
  ];
  for (const [args, message] of wrong) {
    assert.throws(() => executablesOf(args), { name: "TypeError", message });
  }
});
