/** @module */
import assert from "node:assert/strict";
import { tempDir } from "../support/temp.ts";
import {
  agentPermissions,
  hostOf,
  permissionFlags,
  type PermissionSet,
} from "../../build/permissions.ts";

const SET: PermissionSet = {
  read: ["./"],
  net: ["127.0.0.1"],
  run: ["tasklist", "ps", "other"],
  env: { allow: ["CLOCKBLOCK_*"], ignore: true },
  import: { deny: true },
};

Deno.test("permissionFlags turns a set into flags, each with its limits", () => {
  assert.deepEqual(permissionFlags(SET, { os: "linux" }), [
    "--no-prompt",
    "--deny-import",
    "--allow-net=127.0.0.1",
    "--allow-read=./",
    "--allow-run=/usr/bin/ps,/bin/ps,/usr/bin/other,/bin/other",
    "--allow-env=CLOCKBLOCK_*",
    "--ignore-env",
  ]);
});

Deno.test({
  name: "permissionFlags has ps run with a PATH that lacks it, or has another in front of it",
  ignore: Deno.build.os === "windows",
  async fn() {
    using dir = tempDir();
    const tool = new URL("../../src/streams/playtime/processes/tool.ts", import.meta.url).href;
    const script = `${dir.path}/ps.ts`;
    Deno.writeTextFileSync(
      script,
      `import { runTool } from "${tool}";
       const { signal } = new AbortController();
       console.log(new TextDecoder().decode(await runTool("ps", ["-o", "pid="], { signal })));
       await runTool("/bin/sh", [], { signal }).catch((error) => console.log(error.message));
       await runTool("no-such", [], { signal }).catch((error) => console.log(error.message));`,
    );
    Deno.writeTextFileSync(`${dir.path}/ps`, "#!/bin/sh\necho poisoned\n", { mode: 0o755 });
    for (const env of [{ PATH: dir.path }, { PATH: "/nowhere" }, {}]) {
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", "--no-config", ...permissionFlags(), script],
        clearEnv: true,
        env: { ...env, HOME: dir.path },
      }).output();
      const lines = new TextDecoder().decode(stdout).trim().split("\n");
      const said = new TextDecoder().decode(stderr);
      assert.equal(said, "");
      assert.match(lines[0]!, /^ *\d+$/, said);
      assert.deepEqual(lines.slice(-2), [
        'it is not permitted to run "/bin/sh"',
        'there is no program "no-such" here',
      ]);
    }
  },
});

Deno.test("permissionFlags leaves out the programs of other systems", () => {
  assert.ok(permissionFlags(SET, { os: "windows" }).includes("--allow-run=tasklist,other"));
});

Deno.test("permissionFlags grants the desktop's notifications to Linux alone", () => {
  const flags = (os: typeof Deno.build.os) => permissionFlags(undefined, { os });
  const env = "--allow-env=CLOCKBLOCK_*";
  assert.ok(flags("linux").includes(`${env},DBUS_SESSION_BUS_ADDRESS,XDG_RUNTIME_DIR`));
  assert.ok(flags("linux").some((flag) => flag.includes("/usr/bin/notify-send,/bin/notify-send")));
  for (const os of ["windows", "darwin"] as const) {
    assert.ok(flags(os).includes(env));
    assert.ok(!flags(os).some((flag) => flag.includes("notify-send")));
  }
});

Deno.test("permissionFlags grants the home folder's name to macOS alone", () => {
  const sys = (os: typeof Deno.build.os) => permissionFlags(undefined, { os }).at(-1);
  assert.equal(sys("linux"), "--allow-sys=hostname,networkInterfaces");
  assert.equal(sys("darwin"), "--allow-sys=hostname,networkInterfaces,homedir");
});

Deno.test("permissionFlags adds hosts once, or lifts the limit on the network alone", () => {
  const hosts = ["https://cloud.example.org/in", "127.0.0.1"];
  assert.ok(
    permissionFlags(SET, { hosts }).includes("--allow-net=127.0.0.1,cloud.example.org:443"),
  );
  assert.deepEqual(
    permissionFlags(SET, { anyhost: true }).filter((flag) => !flag.includes("=")),
    ["--no-prompt", "--deny-import", "--allow-net", "--ignore-env"],
  );
});

Deno.test("permissionFlags refuses a set that grants without limits or what the agent never needs", () => {
  const refused: [unknown, RegExp][] = [
    [{ ...SET, read: true }, /Cannot grant "read"/],
    [{ ...SET, net: [""] }, /Cannot grant "net"/],
    [{ ...SET, run: { allow: true } }, /Cannot grant "run"/],
    [{ ...SET, ffi: ["./x.so"] }, /Cannot grant "ffi"/],
    [{ ...SET, import: { deny: false } }, /Cannot grant "import"/],
  ];
  for (const [set, message] of refused) {
    assert.throws(() => permissionFlags(set as PermissionSet), message);
  }
});

Deno.test("The agent's own set reads and writes only the folder it is started in", () => {
  const flags = permissionFlags(agentPermissions);
  assert.ok(flags.includes("--allow-read=./"));
  assert.ok(flags.includes("--allow-write=./"));
  assert.ok(!flags.some((flag) => flag.includes("ffi")));
});

Deno.test("hostOf takes hosts and URLs, and nothing that would grant more than a host", () => {
  const taken: [string, string][] = [
    ["cloud.example.org", "cloud.example.org"],
    ["cloud.example.org:8443", "cloud.example.org:8443"],
    ["*.example.org", "*.example.org"],
    ["[fd00::1]:8080", "[fd00::1]:8080"],
    ["https://cloud.example.org/in?x=1", "cloud.example.org:443"],
    ["http://10.0.0.7:8080", "10.0.0.7:8080"],
  ];
  for (const [text, host] of taken) assert.equal(hostOf(text), host);
  for (const text of ["", "*", "*.com", "a,b", "a.com/x", "ftp://a.com", "a.com:", "--allow-all"]) {
    assert.throws(() => hostOf(text), /Cannot allow the host/, text);
  }
});
