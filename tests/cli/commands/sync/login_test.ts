/** `login`, `logout`, `schema` and `sync conflicts` against a Supabase. */
import assert from "node:assert/strict";
import { main } from "../../../../src/cli/mod.ts";
import { schemaSql } from "../../../../src/remotes/supabase/mod.ts";
import { capturedIo } from "../../../support/process/captured_io.ts";
import { cliFolder, type Folder } from "../../../support/process/cli.ts";
import { Cloud } from "../../../support/servers/cloud.ts";

const cloud = await Cloud.start();

function folderOn(supabase: Record<string, unknown> = {}): Folder {
  return cliFolder({
    process_name: "no such game",
    device_id: "pc-1",
    supabase: { url: cloud.url, key: cloud.key, realtime: false, ...supabase },
  });
}

Deno.test("login asks for what the configuration does not say, and keeps the session only", async () => {
  await cloud.empty();
  using folder = folderOn();
  folder.answers = [cloud.alice.email, cloud.alice.password];
  const { code, out, err } = await folder.cli("login");
  assert.deepEqual([code, out, err], [0, `Signed in as ${cloud.alice.email}\n`, ""]);
  assert.deepEqual(folder.files().filter((name) => name.startsWith("auth")), [
    "auth.json",
    "auth.key",
  ]);
  await folder.cli("--once");
  assert.match((await folder.cli("sync", "now")).out, /^1 rows sent, 0 waiting\n/);
  assert.equal((await cloud.sql("SELECT 1 FROM heartbeats")).length, 1);
});

Deno.test("login tells a wrong password, and keeps nothing", async () => {
  using folder = folderOn({ email: cloud.alice.email });
  folder.answers = ["guessed"];
  const { code, err } = await folder.cli("login");
  assert.equal(code, 1);
  assert.match(err, /Cannot sign in to "supabase 127.0.0.1:\d+": .*Invalid login credentials/);
  assert.ok(!folder.files().includes("auth.json"));
});

Deno.test("login says what to configure first", async () => {
  using folder = cliFolder();
  const { code, err } = await folder.cli("login");
  assert.equal(code, 2);
  assert.match(err, /supabase\.url and supabase\.key/);
});

Deno.test("logout forgets the session, and what is recorded waits", async () => {
  await cloud.empty();
  using folder = folderOn({ email: cloud.alice.email });
  folder.answers = [cloud.alice.password];
  await folder.cli("login");
  assert.equal((await folder.cli("logout")).out, "Signed out\n");
  assert.ok(!folder.files().includes("auth.json"));
  await folder.cli("--once");
  const { code, out } = await folder.cli("sync", "now");
  assert.equal(code, 1);
  assert.match(out, /0 rows sent, 1 waiting\nplaytime: .*sign in again with clockblock login/);
});

Deno.test("login wakes the agent that waits for it", async () => {
  await cloud.empty();
  using folder = folderOn({ email: cloud.alice.email });
  await using agent = await folder.start();
  await agent.io.printed(/is running/);
  folder.answers = [cloud.alice.password];
  await folder.cli("login");
  const { lanes } = JSON.parse((await folder.cli("sync", "status", "--json")).out);
  const [playtime] = lanes.filter(({ stream }: { stream: string }) => stream === "playtime");
  assert.equal(playtime.state, "connected");
});

Deno.test("schema supabase prints the SQL that the tests run", async () => {
  using folder = cliFolder();
  assert.equal((await folder.cli("schema", "supabase")).out, schemaSql);
});

Deno.test("sync conflicts shows who had changed what, and sync reset says what would be lost", async () => {
  await cloud.empty();
  const { email, password } = cloud.alice;
  using folder = folderOn({ email, password });
  {
    await using agent = await folder.start();
    const token = (await Deno.readTextFile(`${folder.path}/api-token`)).trim();
    const put = (name: string) =>
      fetch(`${agent.url}/records/projects/p1`, {
        method: "PUT",
        body: JSON.stringify({ name }),
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      }).then((response) => response.body?.cancel());
    await put("house");
    await folder.cli("sync", "now");
    cloud.plug.pull();
    await put("mine");
    await cloud.sql(
      "UPDATE projects SET name = 'theirs', updated_at = now() + interval '9 seconds'",
    );
    const { code, err } = await folder.cli("sync", "reset");
    assert.equal(code, 2);
    assert.match(err, /1 changes have not been sent and would be lost/);
    const reset = (query: string) =>
      fetch(`${agent.url}/sync/reset${query}`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
      });
    const refused = await reset("?stream=records");
    assert.deepEqual([refused.status, (await refused.json()).would_lose], [409, 1]);
    const io = capturedIo({ cwd: folder.path, terminal: true, answers: ["n"] });
    assert.equal(await main(["sync", "reset"], { io }), 2);
    cloud.plug.push();
    await folder.cli("sync", "now");
  }
  const { out } = await folder.cli("sync", "conflicts");
  assert.match(out, /projects p1 +edit\/edit +the cloud's stayed/);
  assert.match(
    await Deno.readTextFile(`${folder.path}/logs/conflicts.log`),
    /"winner":"remote".*"mine".*"theirs"/,
  );
  const [conflict] = (await folder.cli("sync", "conflicts", "--json")).out.trim().split("\n");
  assert.equal(JSON.parse(conflict!).local.name, "mine");
});

Deno.test("sync reset takes the cloud's word when the person at the terminal agrees", async () => {
  await cloud.empty();
  const { email, password } = cloud.alice;
  using folder = folderOn({ email, password });
  await using agent = await folder.start();
  const token = (await Deno.readTextFile(`${folder.path}/api-token`)).trim();
  await folder.cli("sync", "now");
  cloud.plug.pull();
  const response = await fetch(`${agent.url}/records/projects/p1`, {
    method: "PUT",
    body: "{}",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
  });
  await response.body?.cancel();
  const io = capturedIo({ cwd: folder.path, terminal: true, answers: ["y"] });
  assert.equal(await main(["sync", "reset", "--stream", "records"], { io }), 0, io.err);
  assert.equal(io.out, "records starts over\n");
  cloud.plug.push();
  await folder.cli("sync", "now");
  const { lanes } = JSON.parse((await folder.cli("sync", "status", "--json")).out);
  assert.equal(lanes.at(-1).rows_waiting, 0);
  assert.deepEqual(await (await fetch(`${agent.url}/records/projects`)).json(), []);
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());
