/** `sync` and `rejected` against an endpoint that takes, refuses or is not there. @module */
import assert from "node:assert/strict";
import { main } from "../../../../src/cli/mod.ts";
import { capturedIo } from "../../../support/process/captured_io.ts";
import { cliFolder } from "../../../support/process/cli.ts";

type Rows = readonly { id: string }[];

/** An endpoint that answers each push as told. */
function endpoint(
  answer: (rows: Rows) => Response,
): { url: string; rows: string[] } & AsyncDisposable {
  const rows: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    if (request.method !== "POST") return new Response(null, { status: 204 });
    const batch = await request.json() as Rows;
    const response = answer(batch);
    if (response.ok) rows.push(...batch.map(({ id }) => id));
    return response;
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/in`,
    rows,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("sync now sends what waits and says how much", async () => {
  await using cloud = endpoint(() => Response.json({}));
  using folder = cliFolder({ process_name: "no such game", endpoint_url: cloud.url });
  for (let look = 0; look < 3; look++) await folder.cli("--once");
  const { code, out, err } = await folder.cli("sync", "now");
  assert.equal(out, "3 rows sent, 0 waiting\n");
  assert.match(err, /100 %, 3 of 3 rows/);
  assert.equal(code, 0);
  assert.equal(cloud.rows.length, 3);
  const { out: status } = await folder.cli("sync", "status", "--json");
  assert.equal(JSON.parse(status).lanes[0].rows_waiting, 0);
});

Deno.test("sync now does not wait for rows that have no cloud to go to", async () => {
  await using cloud = endpoint(() => Response.json({}));
  using folder = cliFolder({
    process_name: "no such game",
    events: { endpoint_url: cloud.url },
  });
  await folder.cli("--once");
  const { out, code } = await folder.cli("sync", "now");
  assert.deepEqual([out, code], ["0 rows sent, 0 waiting\n", 0]);
  assert.match((await folder.cli("sync", "status")).out, /playtime +disabled +1 waiting/);
});

Deno.test("sync now fails with the reason when the cloud is not there", async () => {
  using folder = cliFolder({
    process_name: "no such game",
    endpoint_url: "http://127.0.0.1:9/in",
    timeout_sec: 1,
  });
  await folder.cli("--once");
  const { code, out } = await folder.cli("sync", "now");
  assert.equal(code, 1);
  assert.match(out, /^0 rows sent, 1 waiting\nplaytime: Cannot /);
});

Deno.test("rejected lists, retries and discards what the cloud will not have", async () => {
  let accept = false;
  await using cloud = endpoint((rows) =>
    accept ? Response.json({}) : Response.json({
      accepted: [],
      rejected: rows.map(({ id }) => ({ id, code: "23514", message: "not like this" })),
    })
  );
  using folder = cliFolder({ process_name: "no such game", endpoint_url: cloud.url });
  for (let look = 0; look < 3; look++) await folder.cli("--once");
  await folder.cli("sync", "now");

  const { out } = await folder.cli("rejected", "list");
  const lines = out.trimEnd().split("\n");
  assert.equal(lines.length, 3);
  assert.match(lines[0]!, /^[0-9a-f-]{36} {2}heartbeats {2}\S+Z {2}.*23514 {2}not like this$/);
  const ids = lines.map((line) => line.split(" ")[0]!);
  const { out: json } = await folder.cli("rejected", "list", "--json");
  assert.equal(json.trimEnd().split("\n").length, 3);

  assert.equal((await folder.cli("rejected", "discard", ids[0]!)).out, "1 row given up\n");
  assert.equal(
    (await folder.cli("rejected", "retry", "--all")).out,
    "2 rows will be tried again\n",
  );
  accept = true;
  cloud.rows.length = 0;
  assert.equal((await folder.cli("sync", "now")).out, "2 rows sent, 0 waiting\n");
  assert.deepEqual([...cloud.rows].sort(), ids.slice(1).sort());
  assert.equal((await folder.cli("rejected", "list")).out, "No row is rejected\n");
});

Deno.test("rejected retry and discard want to know which rows", async () => {
  using folder = cliFolder({ process_name: "no such game" });
  await folder.cli("--once");
  for (const args of [["retry"], ["discard"], ["retry", "--all", "some-id"]]) {
    const { code, err } = await folder.cli("rejected", ...args);
    assert.equal(code, 2);
    assert.match(err, /name the rows' ids, or --all/);
  }
  const { code, err } = await folder.cli("rejected", "retry", "no-such-id");
  assert.equal(code, 2);
  assert.match(err, /No rejected row has the id no-such-id/);
});

Deno.test("sync reset loses changes of records only for who agrees in so many letters", async () => {
  using folder = cliFolder({
    process_name: "no such game",
    timeout_sec: 1,
    supabase: { url: "http://127.0.0.1:9", key: "sb_publishable_key" },
  });
  {
    await using agent = await folder.start();
    const token = Deno.readTextFileSync(`${folder.path}/api-token`).trim();
    const response = await fetch(`${agent.url}/records/projects/p1`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "house" }),
    });
    assert.ok(response.ok, await response.text());
  }
  const waiting = async () => {
    const { out } = await folder.cli("sync", "status", "--json");
    const lanes: { stream: string; rows_waiting: number }[] = JSON.parse(out).lanes;
    return lanes.find(({ stream }) => stream === "records")?.rows_waiting;
  };
  const asked = async (terminal: boolean, answers: readonly string[], ...args: string[]) => {
    const io = capturedIo({ cwd: folder.path, terminal, answers });
    return await main(["sync", "reset", ...args], { io });
  };
  assert.equal(await waiting(), 1);
  for (const answer of ["", " ", "n", "yikes"]) {
    assert.equal(await asked(true, [answer]), 2, answer);
  }
  assert.equal(await asked(true, []), 2);
  assert.equal(await asked(false, ["y"]), 2);
  assert.equal(await waiting(), 1);
  assert.equal(await asked(false, [], "--yes"), 0);
  assert.equal(await waiting(), 0);
});
