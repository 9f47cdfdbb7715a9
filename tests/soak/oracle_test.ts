/**
 * That the oracle of the soak notices: a world in which all is well, made by a real agent, and then one thing in it that
 * is not.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openAgent } from "../../src/agent.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { Cloud } from "../support/servers/cloud.ts";
import { AifaceDevice } from "../support/fakes/devices.ts";
import { FaultyServer, type StoredRow } from "../support/servers/faulty_server.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { punchId } from "../../src/streams/attendance/mod.ts";
import { EventsLoad } from "./load/events.ts";
import { judge, lastHeartbeat, type World } from "./oracle.ts";

const KEYS = Array.from({ length: 30 }, (_, n) => `0-${n}`);
const PEOPLE = 6;
const HEARTBEATS = 5;

const home = tempDir();
let sound: World;
let cloud: Cloud;

Deno.test.beforeAll(async () => {
  cloud = await Cloud.start();
  sound = await liveWell(home.path);
});
Deno.test.afterAll(async () => {
  await cloud?.[Symbol.asyncDispose]();
  home[Symbol.dispose]();
});

Deno.test("The oracle finds nothing where all is well", async () => {
  const verdicts = await judge(sound);
  assert.deepEqual(
    verdicts.map(({ stream, acknowledged, inCloud, faults }) => [
      stream,
      acknowledged,
      inCloud,
      faults,
    ]),
    [
      ["events", KEYS.length, KEYS.length, []],
      ["attendance", PEOPLE, PEOPLE, []],
      ["playtime", HEARTBEATS, HEARTBEATS, []],
      ["records", 4, 3, []],
    ],
  );
});

/** What is not well, and the word for it. */
const wrongs: Readonly<Record<string, [(world: World) => void, RegExp]>> = {
  "an event that the cloud lacks": [
    ({ events: { cloud } }) => cloud.rows.delete(nth(cloud.rows, 7)),
    /^events: 1 × acknowledged and lost: 0-\d+$/,
  ],
  "an event that the cloud has under two ids": [
    ({ events: { cloud } }) =>
      cloud.rows.set("other", { ...cloud.rows.get(nth(cloud.rows, 7))!, id: "other" }),
    /^events: 1 × in the cloud under two ids: 0-\d+$/,
  ],
  "an event that came with another text": [
    ({ events: { cloud } }) => change(cloud.rows, 3, { body: "something else" }),
    /^events: 1 × came with another body: 0-\d+$/,
  ],
  "an event that came with other details": [
    ({ events: { cloud } }) => change(cloud.rows, 3, { meta: { n: 1, nested: { list: [1] } } }),
    /^events: 1 × came with another meta: 0-\d+$/,
  ],
  "an event that came under another number": [
    ({ events: { load } }) => {
      const [key, { mode, seq }] = [...load.acknowledged][4]!;
      load.acknowledged.set(key, { mode, seq: seq + 1 });
    },
    /^events: 1 × came with another seq: 0-\d+$/,
  ],
  "events that came out of order": [
    ({ events: { cloud } }) => {
      const [key, row] = [...cloud.rows][0]!;
      cloud.rows.delete(key);
      cloud.rows.set(key, row);
    },
    /^events: \d × came out of order: /,
  ],
  "an event that the cloud has and the agent has lost": [
    alter("DELETE FROM local_events WHERE seq = 3 AND mode = 'live'"),
    /^events: 1 × in the cloud and not stored: /,
  ],
  "a punch that the cloud lacks": [
    ({ punches: { cloud } }) => cloud.rows.delete(nth(cloud.rows, 5)),
    /^attendance: 1 × acknowledged and lost: /,
  ],
  "a punch of another person": [
    ({ punches: { cloud } }) => change(cloud.rows, 2, { person_id: "99" }),
    /^attendance: 1 × came with another person_id: /,
  ],
  "punches that came out of order": [
    ({ punches: { cloud } }) => {
      const rows = [...cloud.rows].reverse();
      cloud.rows.clear();
      for (const [id, row] of rows) cloud.rows.set(id, row);
    },
    /^attendance: 6 × came out of order: /,
  ],
  "a punch that the device was told is kept and nobody has": [
    ({ punches: { load } }) => load.acknowledged.add("nobody's"),
    /^attendance: 1 × acknowledged and lost: nobody's$/,
  ],
  "a punch that is still in a device's memory": [
    (world) => world.punches.load = { ...world.punches.load, waiting: 1 },
    /^attendance: 1 × still in the devices' memory: 1$/,
  ],
  "a heartbeat that the cloud lacks": [
    answer("heartbeats", (rows) => rows.slice(1)),
    /^playtime: 1 × stored and not in the cloud: /,
  ],
  "a heartbeat that the cloud has twice": [
    answer("heartbeats", (rows) => [...rows, rows.at(-1)!]),
    /^playtime: 1 × in the cloud twice: 1$/,
  ],
  "a heartbeat that came with another length": [
    answer("heartbeats", ([first, ...rest]) => [{ ...first, poll_interval_sec: 60 }, ...rest]),
    /^playtime: 1 × came with another poll_interval_sec: /,
  ],
  "heartbeats that came out of order": [
    answer("heartbeats", (rows) => rows.map((row, at) => ({ ...row, written_by: -at }))),
    /^playtime: 1 × came out of order: /,
  ],
  "a heartbeat that somebody was told of and nobody has": [
    ({ told }) => (told as Set<string>).add("nobody's"),
    /^playtime: 1 × told and lost: nobody's$/,
  ],
  "a day that is longer than its heartbeats": [
    alter("UPDATE daily_rollups SET minutes_used = minutes_used + 0.1"),
    /^playtime: 1 × a day is not the sum of its heartbeats: /,
  ],
  "a record that says something else in the cloud": [
    answer("projects", ([first, ...rest]) => [{ ...first, name: "?" }, ...rest]),
    /^records: 1 × differs: /,
  ],
  "a record that lost what was written last here": [
    ({ records }) => records.ours.set("ours-1", { name: "ours-1 later", status: "here" }),
    /^records: 1 × is not what was written last \(ours\): ours-1/,
  ],
  "a record that lost what was written last there": [
    ({ records }) => records.theirs.set("theirs-1", null),
    /^records: 1 × is not what was written last \(theirs\): theirs-1/,
  ],
  "a change of a record that still waits": [
    alter("UPDATE sync_queue SET synced_at = NULL WHERE id = 1"),
    /^records: 1 × waits: 1$/,
  ],
};

for (const [what, [spoil, words]] of Object.entries(wrongs)) {
  Deno.test(`The oracle notices ${what}`, async () => {
    using dir = tempDir();
    const world = copyOf(sound, dir.path);
    spoil(world);
    const faults = (await judge(world)).flatMap(({ stream, faults }) =>
      faults.map((fault) => `${stream}: ${fault}`)
    );
    assert.ok(faults.some((fault) => words.test(fault)), faults.join("\n"));
  });
}

/** An agent's quiet life, after which all is in the clouds. */
async function liveWell(dir: string): Promise<World> {
  await using events = await FaultyServer.start();
  await using punches = await FaultyServer.start();
  const { url, key, alice: { email, password } } = cloud;
  await Deno.writeTextFile(
    `${dir}/config.json`,
    JSON.stringify({
      device_id: "pc",
      api_port: 0,
      process_name: "Game.exe",
      poll_interval_sec: 3_600,
      supabase: { url, key, email, password, realtime: false },
      events: { endpoint_url: events.url },
      attendance: {
        enabled: true,
        host: "127.0.0.1",
        port: 0,
        time_zone: "UTC",
        endpoint_url: punches.url,
        devices: [{ sn: "DOOR", name: "Door" }],
      },
    }),
  );
  const agent = await openAgent(loadConfig({ cwd: dir }), {
    lister: () => Promise.resolve([{ image: "Game.exe" }]),
  });
  const stop = new AbortController();
  const running = agent.run({ signal: stop.signal });
  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await agent.fetch(
      new Request(`http://127.0.0.1${path}`, {
        method,
        headers: {
          host: "127.0.0.1",
          authorization: `Bearer ${(await Deno.readTextFile(`${dir}/api-token`)).trim()}`,
          "content-type": "application/json",
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
    assert.ok(response.ok, `${method} ${path}: ${response.status}`);
    return await response.json();
  };

  const caller = { ask: (path: string) => ask("POST", path) };
  const load = new EventsLoad({ seed: 1, caller, ease: 1 });
  const said = KEYS.map((key) => load.eventOf(key));
  const { accepted } = await ask("POST", "/local/events", said);
  for (const [index, { seq, idempotency_key }] of accepted.entries()) {
    load.acknowledged.set(idempotency_key, { mode: said[index]!.mode, seq });
  }

  const acknowledged = new Set<string>();
  let port = 0;
  await until(async () => {
    const { attendance } = await ask("GET", "/status");
    port = Number(/:(\d+)$/.exec(attendance.listening ?? "")?.[1] ?? 0);
    return port > 0;
  });
  const door = new AifaceDevice({
    port,
    sn: "DOOR",
    onAcknowledged: ({ enrollid, time }) =>
      acknowledged.add(punchId("DOOR", String(enrollid), time)),
  });
  const now = new Date().toISOString().slice(0, 19).replace("T", " ");
  for (let person = 1; person <= PEOPLE; person++) {
    door.punch({ enrollid: person, time: now, mode: 8, inout: 0 });
  }
  const hangUp = new AbortController();
  const calling = door.run(hangUp.signal);

  const told = new Set<string>();
  agent.hub.subscribe(({ topic, data }) => {
    if (topic === "heartbeat") told.add((data as { id: string }).id);
  });
  await until(async () => (await ask("GET", "/history")).length > 0);
  const [first] = await ask("GET", "/history");
  told.add(first.id);
  while (told.size < HEARTBEATS) await agent.pollOnce();

  const ours = { name: "ours-1 0", status: "here" };
  const theirs = { name: "theirs-1 0", status: "there" };
  await ask("PUT", "/records/projects/ours-1", ours);
  await ask("PUT", "/records/projects/ours-2", ours);
  await ask("DELETE", "/records/projects/ours-2");
  await ask("PUT", "/records/projects/shared-1", ours);
  await agent.sync.now();
  await cloud.sql(
    "INSERT INTO projects (id, system_id, name, status) VALUES ('theirs-1', 'pc', $1, $2)",
    [theirs.name, theirs.status],
  );
  await until(() => door.waiting === 0, "the punches");
  await agent.sync.now();
  const drainedSeq = lastHeartbeat(`${dir}/clockblock.db`);
  stop.abort();
  hangUp.abort();
  await Promise.all([running, calling]);
  agent.close();
  return {
    database: `${dir}/clockblock.db`,
    events: { load, cloud: kept(events) },
    punches: { load: { acknowledged, waiting: door.waiting }, cloud: kept(punches) },
    told,
    drainedSeq,
    records: {
      ours: new Map([["ours-1", ours]]),
      theirs: new Map([["theirs-1", theirs]]),
      edits: 4,
    },
    supabase: cloud,
  };
}

function copyOf(world: World, dir: string): World {
  const database = `${dir}/clockblock.db`;
  Deno.copyFileSync(world.database, database);
  const { events, punches, records, told } = world;
  const { load } = events;
  return {
    ...world,
    database,
    events: {
      load: { acknowledged: new Map(load.acknowledged), eventOf: (key) => load.eventOf(key) },
      cloud: kept(events.cloud),
    },
    punches: {
      load: { ...punches.load, acknowledged: new Set(punches.load.acknowledged) },
      cloud: kept(punches.cloud),
    },
    told: new Set(told),
    records: { ...records, ours: new Map(records.ours), theirs: new Map(records.theirs) },
  };
}

function kept({ rows, deliveries }: Pick<FaultyServer, "rows" | "deliveries">) {
  return { rows: new Map(rows), deliveries: new Map(deliveries) };
}

function nth(rows: ReadonlyMap<string, StoredRow>, index: number): string {
  return [...rows.keys()].at(index % rows.size)!;
}

function change(rows: Map<string, StoredRow>, index: number, fields: object): void {
  const id = nth(rows, index);
  rows.set(id, { ...rows.get(id)!, ...fields });
}

/** Changes the agent's database. */
function alter(sql: string): (world: World) => void {
  return ({ database }) => {
    const db = new DatabaseSync(database);
    assert.equal(db.prepare(sql).run().changes, 1);
    db.close();
  };
}

type Row = Record<string, unknown>;

/** Changes what the cloud has of a table. */
function answer(table: string, to: (rows: Row[]) => Row[]): (world: World) => void {
  return (world) => {
    world.supabase = {
      async sql<T>(text: string): Promise<T[]> {
        const rows = await cloud.sql<Row>(text);
        return (new RegExp(`FROM ${table}\\b`).test(text) ? to(rows) : rows) as T[];
      },
    };
  };
}
