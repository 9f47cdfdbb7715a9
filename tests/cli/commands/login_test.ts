/** `login`, `logout`, `schema` and `sync conflicts` against a Supabase. */
import assert from "node:assert/strict";
import { schema } from "../../../src/remotes/supabase/mod.ts";
import { cliFolder, type Folder } from "../../support/cli.ts";
import { Cloud } from "../../support/cloud.ts";

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
  assert.equal((await folder.cli("schema", "supabase")).out, schema);
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

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());
