/**
 * Damage done to the files of a real agent, a process of its own under the permissions it ships with: while it runs
 * and between two runs.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { backupTo } from "../../src/store/mod.ts";
import { type AgentProcess, runAgent, startAgent } from "../support/process/agent_process.ts";
import {
  type Contents,
  contentsOf,
  flipBits,
  flush,
  type LivedIn,
  liveIn,
  overwrite,
  randomFrom,
} from "../support/fakes/damage.ts";
import { mountFailingDisk } from "../support/fakes/failing_disk.ts";
import { tempDir } from "../support/temp.ts";
import { mountTmpfs } from "../support/fakes/tmpfs.ts";
import { until } from "../support/until.ts";

const DAY_MS = 86_400_000;
const CONFIG = { device_id: "pc", process_name: "NoSuchGame.exe", poll_interval_sec: 1 };

/** What befalls the file of a running agent, how many of its 300 events the next one has, and what it says. */
const displacements: Readonly<
  Record<string, { by: (path: string) => void; has: number; keeps?: boolean; says: RegExp }>
> = {
  "deleted with all that belongs to it": {
    by: (path) => ["", "-wal", "-shm"].forEach((suffix) => Deno.removeSync(path + suffix)),
    has: 200,
    keeps: true,
    says:
      /deleted or replaced while the agent ran; what it held is kept as .+ backup of .+ restored/,
  },
  "robbed of its log": {
    by: (path) => Deno.removeSync(`${path}-wal`),
    has: 300,
    says: /^$/,
  },
  "replaced by its backup": {
    by: (path) => {
      Deno.copyFileSync(backupOf(path), `${path}.copy`);
      Deno.renameSync(`${path}.copy`, path);
    },
    has: 200,
    keeps: true,
    says: /deleted or replaced while the agent ran; what it held is kept as/,
  },
  "written over with its backup": {
    by: (path) => Deno.writeFileSync(path, Deno.readFileSync(backupOf(path))),
    has: 200,
    says: /Another file was copied over the database while the agent ran/,
  },
  "written over with a text": {
    by: (path) => Deno.writeTextFileSync(path, "Dear diary, ".repeat(10_000)),
    has: 200,
    says: /Another file was copied over .+ backup of .+ restored.+ kept as .+\.corrupt-/,
  },
};

for (const [what, { by, has, keeps = false, says }] of Object.entries(displacements)) {
  Deno.test({
    name:
      `An agent whose database is ${what} while it runs says so and begins again on what there is`,
    // On Windows a file that is open can be neither deleted nor replaced.
    ignore: Deno.build.os === "windows",
    async fn() {
      await using agent = await startAgent({ config: CONFIG });
      const path = `${agent.dir}/clockblock.db`;
      await send(agent, agent.url, 1, 200);
      Deno.mkdirSync(`${agent.dir}/backups`);
      await backupTo({ path }, backupOf(path));
      await send(agent, agent.url, 201, 280);
      by(path);
      // Before it has noticed: it goes on as if nothing were.
      await send(agent, agent.url, 281, 300);
      const url = await restarted(agent, agent.url);
      const before = await eventsAt(url);
      assert.deepEqual(before, Array.from({ length: has }, (_, i) => i + 1));
      const health = await fetch(`${url}/healthz`);
      assert.equal(health.status, 200, await health.text());
      assert.match(await warningsAt(url), says);
      assert.match(agent.output, /while the agent ran/);
      await send(agent, url, 301, 320);
      assert.equal((await eventsAt(url)).length, has + 20);
      // No number is given twice.
      assert.ok((await eventsAt(url)).at(-1)! >= 320);

      await agent.stop();
      assert.equal(count(path), has + 20);
      const kept = [...Deno.readDirSync(agent.dir)].filter(({ name }) =>
        name.includes(".deleted-")
      );
      assert.deepEqual(kept.map(({ name }) => count(`${agent.dir}/${name}`)), keeps ? [300] : []);
    },
  });
}

Deno.test({
  name:
    "An agent whose database is replaced by another program's ends, says so and leaves it alone",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using agent = await startAgent({ config: CONFIG });
    const path = `${agent.dir}/clockblock.db`;
    await send(agent, agent.url, 1, 20);
    theirs(`${path}.theirs`);
    const bytes = Deno.readFileSync(`${path}.theirs`);
    Deno.renameSync(`${path}.theirs`, path);
    const { code } = await agent.ended;
    assert.equal(code, 2, agent.output);
    assert.match(agent.output, /it is another program's database/);
    assert.deepEqual(Deno.readFileSync(path), bytes);
    const [kept] = [...Deno.readDirSync(agent.dir)].filter(({ name }) =>
      name.includes(".deleted-")
    );
    assert.equal(count(`${agent.dir}/${kept!.name}`), 20);
  },
});

const configs = ["config.json", "link.json"];
for (const db_path of configs) {
  Deno.test({
    name:
      `An agent that is told to take ${db_path} for its database refuses, and so does every command`,
    ignore: Deno.build.os === "windows" && db_path === "link.json",
    async fn() {
      using dir = tempDir();
      const text = JSON.stringify({ ...CONFIG, db_path, api_port: 0 }, null, 2);
      Deno.writeTextFileSync(`${dir.path}/config.json`, text);
      if (db_path !== "config.json") Deno.symlinkSync("config.json", `${dir.path}/${db_path}`);
      const before = sizesIn(dir.path);
      for (const args of [["run"], ["backup", "copy.db"], ["doctor"], ["run"]]) {
        const { code, stdout, stderr } = await runAgent(args, { dir: dir.path });
        assert.equal(code, args[0] === "doctor" ? 1 : 2, `${args}: ${stderr}`);
        assert.match(stdout + stderr, /config\.json": it is a file that is no database/);
        assert.equal(Deno.readTextFileSync(`${dir.path}/config.json`), text);
        assert.deepEqual(sizesIn(dir.path).filter((name) => !name.startsWith("logs")), before);
      }
    },
  });
}

const otherNames: Readonly<Record<string, (dir: string) => string>> = {
  "though its lock file was deleted": (dir) => {
    Deno.removeSync(`${dir}/clockblock.db.lock`);
    return "clockblock.db";
  },
  "by a symbolic link": (dir) => {
    Deno.symlinkSync("clockblock.db", `${dir}/link.db`);
    return "link.db";
  },
  "by a hard link": (dir) => {
    Deno.linkSync(`${dir}/clockblock.db`, `${dir}/link.db`);
    return "link.db";
  },
  "by a link from another folder, though its lock file was deleted": (dir) => {
    Deno.removeSync(`${dir}/clockblock.db.lock`);
    Deno.mkdirSync(`${dir}/sub`);
    Deno.symlinkSync("../clockblock.db", `${dir}/sub/link.db`);
    return "sub/link.db";
  },
};

for (const [how, rename] of Object.entries(otherNames)) {
  Deno.test({
    name:
      `A second agent on a database that is held ends with code 3 and says who holds it, ${how}`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using agent = await startAgent({ config: CONFIG });
      await send(agent, agent.url, 1, 20);
      const db = rename(agent.dir);
      for (let start = 0; start < 2; start++) {
        const args = ["run", "--db-path", db, "--api-port", "0"];
        const { code, stderr } = await runAgent(args, { dir: agent.dir });
        assert.equal(code, 3, stderr);
        assert.match(stderr, new RegExp(`process ${agent.pid}, ${agent.url}`));
      }
      // Commands ask the one that runs.
      const status = await runAgent(["status", "--json", "--db-path", db], { dir: agent.dir });
      assert.equal(JSON.parse(status.stdout).running, true, status.stderr);
      await send(agent, agent.url, 21, 40);
      assert.equal((await agent.stop()).code, 0);
      assert.equal(count(`${agent.dir}/clockblock.db`), 40);
    },
  });
}

// On Windows nobody can ask the first agent to end, which is what brings its rows from the log into the database.
const ignore = Deno.build.os === "windows";
Deno.test(
  "An agent on a damaged database says so, has what can be read, and leaves out numbers that were given",
  {
    ignore,
  },
  async () => {
    using dir = tempDir();
    const path = `${dir.path}/clockblock.db`;
    const { device_id: _, ...config } = CONFIG;
    const first = await startAgent({ dir: dir.path, config });
    await send(first, first.url, 1, 400);
    await first.stop();
    const second = await startAgent({ dir: dir.path });
    await send(second, second.url, 401, 440);
    await second.kill();
    const device = idOf(path);
    assert.ok(device);
    overwrite(path, 0, new Uint8Array(4096));
    Deno.removeSync(`${path}-wal`);

    await using agent = await startAgent({ dir: dir.path });
    assert.match(agent.output, /Reading what is left of .+\.corrupt-/);
    assert.match(
      await warningsAt(agent.url),
      /^The database was damaged \(.+missing but for \d+ rows/,
    );
    assert.deepEqual(await eventsAt(agent.url), Array.from({ length: 400 }, (_, i) => i + 1));

    // One who has seen more than was kept gets what is new, and only that.
    await using follower = await follow(agent.url, { lastEventId: 440 });
    await send(agent, agent.url, 441, 460);
    await until(() => follower.seqs.length === 20, "the new events", { withinMs: 30_000 });
    assert.ok(follower.seqs.every((seq) => seq > 1_000_000_000), String(follower.seqs));

    const { code, stdout } = await runAgent(["doctor"], { dir: dir.path });
    assert.match(stdout, /warn +warning +The database was damaged/);
    assert.match(stdout, /warn +damaged +one damaged database is kept/);
    assert.equal(code, 0, stdout);
    await agent.stop();
    assert.equal(idOf(path), device);
  },
);

/** What befalls the files of an agent that was killed, and how many of the rows that grow it may cost at most. */
const damages: Readonly<
  Record<string, (path: string, random: () => number) => { says: RegExp; loses?: number }>
> = {
  "cut anywhere": (path, random) => {
    Deno.truncateSync(path, Math.floor(random() * Deno.statSync(path).size));
    Deno.removeSync(`${path}-wal`);
    return { says: /^The database was damaged/ };
  },
  "with flipped bits": (path, random) => {
    // Nothing but the database has the pages then.
    flush(path);
    const size = 8 * Deno.statSync(path).size;
    const bits = Array.from({ length: 4 }, () => Math.floor(random() * size));
    // One of them in the list of parents, which every page of it is checked against.
    flipBits(path, [...bits, 8 * PAGE + 8 * Math.floor(random() * 40) + 1]);
    return { says: /^The database was damaged/, loses: 5 * ROWS_ON_A_PAGE };
  },
  "without its log": (path) => {
    Deno.removeSync(`${path}-wal`);
    return { says: /write-ahead log is gone/ };
  },
};
/** The most rows that lie on one page of the tables that only grow. */
const ROWS_ON_A_PAGE = 60;
const PAGE = 4096;
/** `CLOCKBLOCK_DAMAGE_SEEDS=100` takes minutes. */
const STARTS = Number(Deno.env.get("CLOCKBLOCK_DAMAGE_SEEDS") ?? 2);

for (const [what, damage] of Object.entries(damages)) {
  Deno.test(`An agent that finds its database ${what} starts, says so and has all that can be had`, async () => {
    using home = tempDir();
    const lived = await liveIn(home.path, { polls: 400, from: Date.now() - 2 * DAY_MS });
    for (let seed = 1; seed <= STARTS; seed++) {
      using dir = tempDir();
      copyAll(home.path, dir.path);
      const path = `${dir.path}/clockblock.db`;
      // As a killed agent leaves it.
      for (const suffix of [".holder", ".lock"]) Deno.writeTextFileSync(path + suffix, "");
      const { says, loses = Infinity } = damage(path, randomFrom(seed));
      // Reads every page; what it finds, the next start goes by.
      await runAgent(["doctor"], { dir: dir.path });
      const { events, after } = await started(dir.path, { says, seed });
      assertHas(after, lived.backedUp, `${what}, seed ${seed}`);
      assertLost(after, lived, { atMost: loses, at: `${what}, seed ${seed}` });
      // A bit of a mode may have flipped: then nobody asks for it any more.
      const live = [...after.local_events!].filter((id) => id.startsWith("live "));
      assert.equal(events, live.length, `${what}, seed ${seed}`);
    }
  });
}

const replacements: Readonly<Record<string, { by: (path: string) => void; says: RegExp }>> = {
  "a folder": { by: (path) => Deno.mkdirSync(path), says: /it is a folder\. Name a file in it/ },
  "another program's database": { by: theirs, says: /it is another program's database/ },
};

for (const [what, { by, says }] of Object.entries(replacements)) {
  Deno.test(`An agent that finds ${what} in the place of its database leaves it alone and says so`, async () => {
    using dir = tempDir();
    const path = `${dir.path}/clockblock.db`;
    by(path);
    const before = sizesIn(dir.path);
    const { code, stderr } = await runAgent(["run", "--api-port", "0"], { dir: dir.path });
    assert.equal(code, 2);
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /\bat .+:\d+:\d+/);
    assert.deepEqual(sizesIn(dir.path), before);
  });
}

Deno.test("An agent starts though its database is a text, its backups folder is none, and says what is in the way", async () => {
  using dir = tempDir();
  Deno.writeTextFileSync(`${dir.path}/clockblock.db`, "Dear diary, ".repeat(1_000));
  // An agent was killed there.
  Deno.writeTextFileSync(`${dir.path}/clockblock.db.holder`, "{}");
  Deno.writeTextFileSync(`${dir.path}/backups`, "not a folder");
  await using agent = await startAgent({ dir: dir.path, config: CONFIG });
  assert.match(
    await warningsAt(agent.url),
    /there was no good backup, so a new database was created/,
  );
  assert.match(agent.output, /Cannot read the backups in/);
  await send(agent, agent.url, 1, 20);
  const { stdout } = await runAgent(["doctor"], { dir: dir.path });
  assert.match(stdout, /fail +backups +cannot be read/);
});

Deno.test({
  name: "An agent on a full disk answers 507, stays up, and goes on by itself once there is room",
  ignore: !mountTmpfs.possible,
  async fn() {
    using disk = mountTmpfs({ mb: 6 });
    await using agent = await startAgent({ dir: disk.path, config: CONFIG });
    await send(agent, agent.url, 1, 20);
    fillUp(`${disk.path}/someone-elses`);
    let status = 200;
    await until(async () => (status = await post(agent, { body: "x".repeat(60_000) })) !== 200);
    assert.equal(status, 507);
    assert.match(await warningsAt(agent.url), /the disk is full\. Free some space/);
    Deno.removeSync(`${disk.path}/someone-elses`);
    assert.equal(await post(agent, { body: "room" }), 200);
    await agent.kill();
  },
});

Deno.test({
  name:
    "An agent whose disk turns read-only while it runs stays up, says so and acknowledges nothing",
  ignore: !mountFailingDisk.possible,
  async fn() {
    using disk = mountFailingDisk({ mb: 8 });
    await using agent = await startAgent({ dir: disk.path, config: CONFIG });
    await send(agent, agent.url, 1, 20);
    disk.fail();
    const refused = await posted(agent, { body: "lost" });
    assert.equal(refused.status, 500);
    assert.match((await refused.json()).detail, /nothing was stored: check the disk/);
    assert.match(
      await warningsAt(agent.url),
      /the disk cannot be read or written\. Check the disk/,
    );
    // What it had is there to be read, and the lost event is not.
    assert.deepEqual(await eventsAt(agent.url), Array.from({ length: 20 }, (_, i) => i + 1));
    assert.equal((await fetch(`${agent.url}/history`)).status, 200);
    await agent.kill();
  },
});

Deno.test({
  name: "An agent in a folder that may not be written says so and ends",
  ignore: !mountTmpfs.possible,
  async fn() {
    using disk = mountTmpfs({ mb: 6 });
    const first = await startAgent({ dir: disk.path, config: CONFIG });
    await send(first, first.url, 1, 20);
    await first.stop();
    disk.setReadOnly();
    const { code, stderr } = await runAgent(["run"], { dir: disk.path });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /may not be written/);
    const { stdout } = await runAgent(["doctor"], { dir: disk.path });
    assert.match(stdout, /fail +folder +.+ cannot be written/);
    assert.match(stdout, /fail +database +.+ may not be written/);
  },
});

/** Lets an agent run on what lies in a folder: how many events it answered, and what it left. */
async function started(
  dir: string,
  { says, seed }: { says: RegExp; seed: number },
): Promise<{ events: number; after: Contents }> {
  const agent = await startAgent({
    dir,
    config: { ...CONFIG, process_name: "Game.exe", time_zone: "UTC" },
  });
  try {
    assert.match(await warningsAt(agent.url), says, `seed ${seed}`);
    assert.match(agent.output, /damaged|log is gone/, `seed ${seed}`);
    const events = await eventsAt(agent.url);
    assert.equal((await agent.stop()).code, 0, agent.output);
    const db = new DatabaseSync(`${dir}/clockblock.db`);
    try {
      assert.equal(db.prepare("PRAGMA integrity_check").get()?.integrity_check, "ok");
      return { events: events.length, after: contentsOf({ store: { db } }) };
    } finally {
      db.close();
    }
  } finally {
    await agent[Symbol.asyncDispose]();
  }
}

function assertHas(contents: Contents, wanted: Contents, at: string): void {
  for (const table of ["heartbeats", "local_events", "device_logs"]) {
    const lost = [...wanted[table]!].filter((id) => !contents[table]!.has(id));
    assert.deepEqual(lost.slice(0, 3), [], `${at}: ${lost.length} of ${table}`);
  }
}

function assertLost(
  contents: Contents,
  { all }: LivedIn,
  { atMost, at }: { atMost: number; at: string },
): void {
  for (const table of ["heartbeats", "local_events", "device_logs", "records"]) {
    const lost = [...all[table]!].filter((id) => !contents[table]!.has(id)).length;
    assert.ok(lost <= atMost, `${at}: ${lost} of ${table} lost, ${atMost} may be`);
  }
}

function copyAll(from: string, to: string): void {
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (!isDirectory) {
      Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
      continue;
    }
    Deno.mkdirSync(`${to}/${name}`);
    copyAll(`${from}/${name}`, `${to}/${name}`);
  }
}

function theirs(path: string): void {
  const db = new DatabaseSync(path);
  db.exec("CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('Yesterday')");
  db.close();
}

function backupOf(path: string): string {
  return path.replace("clockblock.db", "backups/clockblock-2026-03-02.db");
}

/** How many events a database has, that is sound. */
function count(path: string): unknown {
  const db = new DatabaseSync(path);
  try {
    assert.equal(db.prepare("PRAGMA integrity_check").get()?.integrity_check, "ok");
    return db.prepare("SELECT count(*) AS n FROM local_events").get()?.n;
  } finally {
    db.close();
  }
}

function idOf(path: string): unknown {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return db.prepare("SELECT value FROM meta WHERE key = 'device_id'").get()?.value;
  } finally {
    db.close();
  }
}

function sizesIn(dir: string): string[] {
  // Windows keeps the empty file that was locked.
  const counts = (name: string) => Deno.build.os !== "windows" || !name.endsWith(".lock");
  return [...Deno.readDirSync(dir)].map(({ name }) => name).filter(counts).sort()
    .map((name) => `${name} ${Deno.statSync(`${dir}/${name}`).size}`);
}

/** A client of the live stream that says what it has seen. */
async function follow(
  url: string,
  { lastEventId }: { lastEventId: number },
): Promise<AsyncDisposable & { seqs: number[] }> {
  const stop = new AbortController();
  const response = await fetch(`${url}/local/stream?mode=live`, {
    headers: { "last-event-id": `${lastEventId}` },
    signal: stop.signal,
  });
  const seqs: number[] = [];
  const reading = (async () => {
    let text = "";
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      text += part;
      const frames = text.split("\n\n");
      text = frames.pop()!;
      for (const frame of frames) {
        const id = /^id: (\d+)\ndata/.exec(frame)?.[1];
        if (id) seqs.push(Number(id));
      }
    }
  })().catch(() => {});
  return {
    seqs,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await reading;
    },
  };
}

async function post(agent: AgentProcess, fields: { body: string }): Promise<number> {
  const response = await posted(agent, fields);
  await response.body?.cancel();
  return response.status;
}

async function posted(agent: AgentProcess, fields: { body: string }): Promise<Response> {
  return await fetch(`${agent.url}/local/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${await agent.token()}`, "content-type": "application/json" },
    body: JSON.stringify({ mode: "live", source: "test", type: "t", subtype: "s", ...fields }),
  });
}

function fillUp(path: string): void {
  using file = Deno.openSync(path, { create: true, write: true });
  for (let size = 65_536; size >= 1; size = size >> 1) {
    try {
      while (file.writeSync(new Uint8Array(size)) > 0);
    } catch { /* The next smaller piece may still fit. */ }
  }
}

/** The address it has once it has begun again. */
async function restarted(agent: AgentProcess, before: string): Promise<string> {
  let url = before;
  await until(
    () => {
      try {
        url = JSON.parse(Deno.readTextFileSync(`${agent.dir}/clockblock.db.holder`)).url ?? before;
      } catch { /* It ends, or has just begun. */ }
      return url.replace(/\/$/, "") !== before;
    },
    "the agent to begin again",
    { withinMs: 30_000 },
  );
  return url.replace(/\/$/, "");
}

/** Stores the events with these numbers, one request for twenty. */
async function send(agent: AgentProcess, url: string, from: number, to: number): Promise<void> {
  const token = await agent.token();
  for (let n = from; n <= to; n += 20) {
    const events = Array.from({ length: 20 }, (_, i) => ({
      mode: "live",
      source: "test",
      type: "t",
      subtype: "s",
      body: `event ${n + i}`,
      idempotency_key: `event-${n + i}`,
    }));
    const response = await fetch(`${url}/local/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(events),
    });
    assert.equal(response.status, 200, await response.text());
  }
}

async function eventsAt(url: string): Promise<number[]> {
  const response = await fetch(`${url}/local/events?mode=live&limit=1000`);
  return (await response.json()).map(({ seq }: { seq: number }) => seq);
}

async function warningsAt(url: string): Promise<string> {
  const { warnings } = await (await fetch(`${url}/status`)).json();
  return warnings.map(({ message }: { message: string }) => message).join("\n");
}
