/**
 * A database of every released version opens under this one, keeps its numbers and goes on where it stood; one of a
 * version to come is refused and left as it is.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Agent, migrations, openAgent } from "../../src/agent.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { version } from "../../src/core/mod.ts";
import { Store } from "../../src/store/mod.ts";
import { cliFolder } from "../support/process/cli.ts";
import { FaultyServer } from "../support/servers/faulty_server.ts";
import { tempDir } from "../support/temp.ts";
import { dump, restore } from "./dump.ts";
import {
  agentIn,
  answersOf,
  type Expected,
  readFixture,
  TABLES,
  unaskedIn,
  versions,
} from "./fixture.ts";
import { asked } from "./asked.ts";

for (const made of versions()) {
  Deno.test(`A database of version ${made} keeps its numbers`, async () => {
    using dir = tempDir();
    const { sql, expected } = readFixture(made);
    restore(sql, `${dir.path}/clockblock.db`);
    const agent = await agentIn(dir.path, { config: expected.config, at: expected.ended_at });
    try {
      await assertKept(agent, { path: `${dir.path}/clockblock.db`, expected });
      // What is kept agrees with what it was made of.
      assert.equal((await recompute(agent, dir.path)).changed, 0);
      assert.deepEqual(agent.warnings.list(), []);
    } finally {
      agent.close();
    }
  });

  Deno.test(`A database of version ${made} goes on where it stood`, async () => {
    using dir = tempDir();
    await using cloud = await FaultyServer.start();
    const endpoint_url = cloud.url;
    const { sql, expected } = readFixture(made);
    restore(sql, `${dir.path}/clockblock.db`);
    const { attendance } = expected.config as { attendance: object };
    const config = {
      ...expected.config,
      endpoint_url,
      events: { endpoint_url },
      attendance: { ...attendance, endpoint_url },
    };
    await Deno.writeTextFile(`${dir.path}/config.json`, JSON.stringify(config));
    const agent = await openAgent(loadConfig({ cwd: dir.path }), {
      lister: () => Promise.resolve([]),
    });
    const stop = new AbortController();
    const running = agent.run({ signal: stop.signal });
    try {
      const token = (await Deno.readTextFile(`${dir.path}/api-token`)).trim();
      const { accepted } = await asked(agent, "/local/events", {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify([
          { mode: "paper", source: "bot-1", type: "A", subtype: "B", body: "new" },
          {
            mode: "paper",
            source: "bot-1",
            type: "A",
            subtype: "B",
            body: "",
            idempotency_key: "paper-3",
          },
        ]),
      }) as { accepted: { seq: number; duplicate: boolean }[] };
      const last = (expected.answers["/local/state?mode=paper"] as { last_seq: number }).last_seq;
      assert.deepEqual(accepted.map(({ seq, duplicate }) => [seq, duplicate]), [
        [last + 1, false],
        [4, true],
      ]);
      await agent.sync.now();
      for (const [stream, ids] of Object.entries(expected.waiting)) {
        // A punch may come again: it is given a direction where it had none.
        const wrong = ids.filter((id) => {
          const times = cloud.deliveries.get(id) ?? 0;
          return stream === "attendance" ? times === 0 : times !== 1;
        });
        assert.deepEqual(wrong, [], stream);
      }
      const [old] = expected.answers["/history?limit=5000"] as { device_id: string }[];
      const { device_id } = await asked(agent, "/status") as { device_id: string };
      assert.equal(device_id, old!.device_id);
    } finally {
      stop.abort();
      await running;
      agent.close();
    }
  });
}

Deno.test("The version at hand has a fixture of its own, with the tables that it makes", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  new Store(path, { migrations }).close();
  const tables = (sql: string) => sql.split("\n").filter((line) => !line.startsWith("INSERT"));
  assert.ok(versions().includes(version), `run: deno task upgrade:fixture (for ${version})`);
  assert.deepEqual(
    tables(dump(path)).sort(),
    tables(readFixture(version).sql).sort(),
    "the tables of this version have changed: before it is released, run deno task upgrade:fixture; afterwards, raise the version",
  );
});

Deno.test("The fixture of the version at hand has rows in every table, and a way to see them", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  restore(readFixture(version).sql, path);
  const db = new DatabaseSync(path);
  const tables = db.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1",
  ).all().map(({ name }) => String(name));
  const empty = tables.filter((table) => !db.prepare(`SELECT 1 FROM ${table}`).get());
  db.close();
  assert.deepEqual(empty, [], "let tests/upgrade/life.ts live through what fills them");
  assert.deepEqual(tables, Object.keys(TABLES).sort(), "say in fixture.ts what tells of them");
});

for (const table of Object.keys(TABLES)) {
  Deno.test(`An upgrade that lost the rows of ${table} would be noticed`, async () => {
    using dir = tempDir();
    const path = `${dir.path}/clockblock.db`;
    const { sql, expected } = readFixture(version);
    restore(sql, path);
    const db = new DatabaseSync(path);
    db.exec(`DELETE FROM ${table}`);
    db.close();
    await assert.rejects(async () => {
      const agent = await agentIn(dir.path, { config: expected.config, at: expected.ended_at });
      try {
        await assertKept(agent, { path, expected });
      } finally {
        agent.close();
      }
    });
  });
}

Deno.test("A database of a version to come is refused by every command, and left as it is", async () => {
  using folder = cliFolder();
  const path = `${folder.path}/clockblock.db`;
  restore(readFixture(version).sql, path);
  const db = new DatabaseSync(path);
  db.exec("INSERT INTO migrations VALUES ('playtime-9-sessions', '2031-01-01T00:00:00.000Z')");
  db.close();
  const before = await Deno.readFile(path);
  const files = folder.files();
  // Windows keeps the empty file that was locked.
  if (Deno.build.os === "windows") files.push("clockblock.db.lock");
  for (const command of [["run"], ["--once"], ["today"], ["recompute"], ["sync", "reset"]]) {
    const { code, out, err } = await folder.cli(...command);
    assert.equal(code, 2, `${command}: ${err}`);
    assert.equal(out, "");
    assert.match(err, /made by a later version \(playtime-9-sessions\)\. Run that version/);
    assert.doesNotMatch(err, /\n\s+at /);
    assert.deepEqual(await Deno.readFile(path), before, `${command} wrote to it`);
  }
  assert.deepEqual(folder.files(), files.sort());
});

/** The agent on a database answers what was answered about it, and the rest is in it. */
async function assertKept(
  agent: Agent,
  { path, expected }: { path: string; expected: Expected },
): Promise<void> {
  const answers = await answersOf(agent, Object.keys(expected.answers));
  assert.deepEqual(known(answers, expected.answers), expected.answers);
  assert.deepEqual(known(unaskedIn(path), expected.unasked), expected.unasked);
}

/** Of what is answered now, what was answered then: fields may be added, none may change or go. */
function known(now: unknown, then: unknown): unknown {
  if (Array.isArray(then) && Array.isArray(now)) {
    return now.map((each, index) => known(each, then[index]));
  }
  if (!isObject(then) || !isObject(now)) return now;
  return Object.fromEntries(
    Object.entries(now).filter(([key]) => key in then).map((
      [key, value],
    ) => [key, known(value, then[key])]),
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

async function recompute(agent: Agent, dir: string): Promise<{ changed: number }> {
  const token = Deno.readTextFileSync(`${dir}/api-token`).trim();
  const response = await agent.fetch(
    new Request("http://127.0.0.1:3841/recompute", {
      method: "POST",
      headers: { host: "127.0.0.1:3841", authorization: `Bearer ${token}` },
    }),
  );
  return await response.json();
}
