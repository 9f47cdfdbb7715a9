/**
 * The executable as people run it: the runtime, the permissions and the file system that were put into it. Runs where
 * one is given (see executable.ts).
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { version } from "../../src/core/mod.ts";
import type { AgentProcess } from "../support/process/agent_process.ts";
import { sampleEvent } from "../support/events.ts";
import { mountTmpfs } from "../support/fakes/tmpfs.ts";
import { until } from "../support/until.ts";
import { type Executable, executables, type Installed } from "./executable.ts";

const KILLS = 5;

const { given, missing } = executables();
for (const name of missing) Deno.test.ignore(name, () => {});
for (const executable of given) describe(executable);

function describe({ name, os, install }: Executable): void {
  const test = (what: string, fn: (installed: Installed) => Promise<void>, ignore = false) =>
    Deno.test({
      name: `${name} ${what}`,
      ignore,
      async fn() {
        using installed = await install();
        await fn(installed);
      },
    });

  test("starts, answers, shows its page, and takes writes with its token alone", async (installed) => {
    await using agent = await installed.start({ config: {} });
    const status = await (await fetch(`${agent.url}/status`)).json();
    assert.equal(status.version, version);
    assert.equal(status.flavour, "clockblock");
    const page = await (await fetch(agent.url)).text();
    assert.match(page, /<script type="module">./);
    assert.equal((await post(agent, [sampleEvent()], "not the token")).status, 401);
    assert.equal((await post(agent, [sampleEvent()])).status, 200);
    await until(async () => {
      const { is_playing } = await (await fetch(`${agent.url}/status`)).json();
      return is_playing === false;
    }, "the process list to be read");
  });

  test(`keeps every event that it acknowledged through ${KILLS} kills`, async (installed) => {
    const acknowledged = new Map<string, number>();
    for (let life = 0; life < KILLS; life++) {
      await using agent = await installed.start({ config: {} });
      const enough = acknowledged.size + 200;
      let turn = 0;
      const writers = Array.from({ length: 4 }, async (_, writer) => {
        for (;;) {
          const key = `life-${life}-${writer}-${turn++}`;
          // Until it is killed in the middle of them.
          const response = await post(agent, [sampleEvent({ idempotency_key: key })]).catch(
            () => {},
          );
          const answer = await response?.json().catch(() => {});
          if (!answer) return;
          acknowledged.set(key, answer.accepted[0].seq);
        }
      });
      await until(() => acknowledged.size > enough, "events to be acknowledged");
      await agent.kill("SIGKILL");
      await Promise.all(writers);
    }
    await using agent = await installed.start({ config: {} });
    const stored = await allEvents(agent);
    for (const [key, seq] of acknowledged) assert.equal(stored.get(key), seq, key);
    assert.deepEqual([...stored.values()], Array.from({ length: stored.size }, (_, n) => n + 1));
  });

  test("finds everything well by doctor, also beside the agent that runs", async (installed) => {
    await using agent = await installed.start({ config: {} });
    const { code, stdout } = await installed.run("doctor");
    assert.equal(code, 0, stdout);
    assert.match(stdout, new RegExp(`^ok +program +ClockBlock ${version} \\(clockblock\\)`, "m"));
    assert.match(stdout, new RegExp(`^ok +agent +runs: ${agent.url}`, "m"));
    assert.match(stdout, /^ok +process list +the game does not run/m);
  });

  test("backs up to a file of its folder that opens", async (installed) => {
    await using agent = await installed.start({ config: {} });
    assert.equal((await post(agent, [sampleEvent(), sampleEvent()])).status, 200);
    const { code, stderr } = await installed.run("backup", "copy.db");
    assert.equal(code, 0, stderr);
    const db = new DatabaseSync(`${installed.dir}/copy.db`, { readOnly: true });
    assert.equal(db.prepare("SELECT count(*) AS n FROM local_events").get()?.n, 2);
    db.close();
  });

  test("ends with 3 where another runs in the folder", async (installed) => {
    await using agent = await installed.start({ config: {} });
    const { code, stderr } = await installed.run();
    assert.equal(code, 3, stderr);
    assert.match(stderr, /already|another/i);
    assert.equal((await fetch(`${agent.url}/healthz`)).status, 200);
  });

  test("is refused what lies outside its folder, and says so", async (installed) => {
    const elsewhere = await installed.run("run", "--db-path", "../elsewhere.db");
    assert.equal(elsewhere.code, 2, elsewhere.stdout);
    assert.match(elsewhere.stderr, /^Cannot use db_path: .*the folder it is started in.*\r?\n$/);
    await using agent = await installed.start({ config: {} });
    const { code, stderr } = await installed.run("backup", "../copy.db");
    assert.notEqual(code, 0);
    assert.match(stderr, /the folder it is started in/);
    assert.equal((await fetch(`${agent.url}/healthz`)).status, 200);
    const parent = installed.dir.slice(0, installed.dir.lastIndexOf("/"));
    for (const file of ["elsewhere.db", "copy.db"]) {
      assert.throws(() => Deno.statSync(`${parent}/${file}`), Deno.errors.NotFound);
    }
  });

  test(
    "starts and finds the process list without a PATH, and without what is on it",
    async (installed) => {
      for (const env of [{}, { PATH: "/nowhere" }]) {
        const { code, stdout, stderr } = await installed.runIn(env, "doctor");
        assert.equal(code, 0, stdout + stderr);
        assert.match(stdout, /^ok +process list +the game does not run/m);
      }
    },
    os === "windows",
  );

  test(
    "goes on when its disk is full, and loses nothing that it acknowledged",
    async (installed) => {
      using disk = mountTmpfs({ mb: 12, at: `${installed.dir}/data` });
      await using agent = await installed.start({ config: { db_path: "data/clockblock.db" } });
      const token = (await Deno.readTextFile(`${disk.path}/api-token`)).trim();
      Deno.writeFileSync(`${disk.path}/someone-elses`, new Uint8Array(8_000_000));
      const acknowledged = new Set<string>();
      let refused = 0;
      for (let turn = 0; refused < 5; turn++) {
        const key = `turn-${turn}`;
        const event = sampleEvent({ idempotency_key: key, body: "x".repeat(20_000) });
        const response = await post(agent, [event], token);
        if (response.status === 200) acknowledged.add(key);
        else refused++;
        await response.body?.cancel();
      }
      const { warnings } = await (await fetch(`${agent.url}/status`)).json();
      assert.match(JSON.stringify(warnings), /the disk is full/);
      Deno.removeSync(`${disk.path}/someone-elses`);
      await until(async () => {
        const response = await post(agent, [sampleEvent({ idempotency_key: "last" })], token);
        await response.body?.cancel();
        return response.status === 200;
      }, "the disk to be used again");
      const stored = await allEvents(agent);
      assert.deepEqual([...stored.keys()], [...acknowledged, "last"]);
      assert.equal((await agent.stop()).code, 0);
    },
    os === "windows" || !mountTmpfs.possible,
  );
}

async function post(agent: AgentProcess, events: unknown[], token?: string): Promise<Response> {
  return await fetch(`${agent.url}/local/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token ?? await agent.token()}`,
      "content-type": "application/json",
    },
    body: JSON.stringify(events),
  });
}

/** Every event of the mode: key → seq, in their order. */
async function allEvents(agent: AgentProcess): Promise<Map<string, number>> {
  const all = new Map<string, number>();
  for (let since = 0;;) {
    const response = await fetch(
      `${agent.url}/local/events?mode=live&since_seq=${since}&limit=1000`,
    );
    const page: { seq: number; idempotency_key: string }[] = await response.json();
    for (const { seq, idempotency_key } of page) all.set(idempotency_key, seq);
    if (page.length === 0) return all;
    since = page.at(-1)!.seq;
  }
}
