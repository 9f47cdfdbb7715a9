import assert from "node:assert/strict";
import { cliFolder } from "../../support/process/cli.ts";
import { startFakeGame } from "../../support/fakes/fake_game.ts";

const config = { process_name: "no such game" };

interface Finding {
  name: string;
  state: string;
  detail: string;
}

function findings(out: string): Finding[] {
  return out.trimEnd().split("\n").map((line) => JSON.parse(line));
}

function found(all: readonly Finding[], name: string): Finding | undefined {
  return all.find((finding) => finding.name === name);
}

Deno.test("doctor finds everything well in a new folder, and leaves nothing there", async () => {
  using folder = cliFolder(config);
  const { code, out, err } = await folder.cli("doctor");
  assert.equal(code, 0, out);
  assert.equal(err, "");
  for (const line of out.trimEnd().split("\n")) assert.match(line, /^(ok {2}|warn) {2}\S/);
  assert.match(out, /^warn {2}database {6}.* is not there yet$/m);
  assert.match(
    out,
    /^ok {4}process list {2}the game does not run \(\d+ ms\)\. If it does, clockblock processes shows its name$/m,
  );
  assert.deepEqual(folder.files(), ["config.json"]);
});

Deno.test("doctor looks at a database while the agent runs on it", async () => {
  using folder = cliFolder(config);
  await using agent = await folder.start();
  const { code, out } = await folder.cli("doctor", "--json");
  assert.equal(code, 0, out);
  const all = findings(out);
  assert.equal(found(all, "agent")?.detail, `runs: ${agent.url}`);
  assert.match(found(all, "database")!.detail, /no damage found/);
  assert((await (await fetch(`${agent.url}/healthz`)).json()).status === "ok");
});

Deno.test("doctor says what a damaged database needs, and fails", async () => {
  using folder = cliFolder(config);
  await folder.cli("--once");
  const path = `${folder.path}/clockblock.db`;
  const bytes = Deno.readFileSync(path);
  bytes.fill(0xa5, 4096, 40_000);
  Deno.writeFileSync(path, bytes);
  const { code, out } = await folder.cli("doctor", "--json");
  assert.equal(code, 1);
  const database = found(findings(out), "database");
  assert.equal(database?.state, "fail");
  assert.match(
    database!.detail,
    /^damaged: .*restores the newest backup and the rows that can still be read$/,
  );
});

Deno.test("doctor fails for a port that is taken and a cloud that is not there", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  using folder = cliFolder({
    ...config,
    api_port: listener.addr.port,
    endpoint_url: `http://127.0.0.1:${port}/in`,
  });
  const { code, out } = await folder.cli("doctor", "--json");
  assert.equal(code, 1);
  const all = findings(out);
  assert.match(found(all, "port")!.detail, /another program uses port .* This shows which it is: /);
  assert.match(found(all, "cloud")!.detail, /cannot be reached/);
});

Deno.test("doctor fails for a cloud that redirects elsewhere, and does not go there", async () => {
  const asked: string[] = [];
  const serve = (answer: () => Response) =>
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
      asked.push(new URL(url).pathname);
      return answer();
    });
  await using other = serve(() => new Response(null));
  const there = `http://127.0.0.1:${other.addr.port}/login`;
  await using server = serve(() => Response.redirect(`${there}?session=secret`));
  using folder = cliFolder({ ...config, endpoint_url: `http://127.0.0.1:${server.addr.port}/in` });
  const { code, out } = await folder.cli("doctor", "--json");
  assert.equal(code, 1, out);
  const cloud = found(findings(out), "cloud");
  assert.equal(cloud?.state, "fail");
  assert.ok(cloud!.detail.includes(`it redirects to ${there};`), cloud!.detail);
  assert.ok(!out.includes("secret"));
  assert.deepEqual(asked, ["/in"]);
});

Deno.test("doctor measures the clock against the cloud's", async () => {
  const date = new Date(Date.now() + 3_600_000).toUTCString();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(null, { headers: { date } }),
  );
  try {
    const url = `http://127.0.0.1:${server.addr.port}/in`;
    using folder = cliFolder({ ...config, endpoint_url: url });
    const { code, out } = await folder.cli("doctor", "--json");
    assert.equal(code, 0, out);
    const all = findings(out);
    assert.equal(found(all, "cloud")?.state, "ok");
    assert.match(
      all.find(({ name, state }) => name === "clock" && state === "warn")?.detail ?? out,
      /this clock is (1 h 00 min|59 min) behind 127\.0\.0\.1:\d+\. Set it/,
    );
  } finally {
    await server.shutdown();
  }
});

Deno.test({
  name: "doctor names a program that would be the game but for its command",
  // Windows tells windows, not commands.
  ignore: Deno.build.os === "windows",
  async fn() {
    await using _game = await startFakeGame("oddgame");
    using folder = cliFolder({ process_name: { image: "oddgame", command: "* --level *" } });
    const { code, out } = await folder.cli("doctor", "--json");
    assert.equal(code, 0, out);
    assert.match(
      found(findings(out), "process list")!.detail,
      /oddgame would count by name, but has another window or command than the game/,
    );
  },
});
