/**
 * A long outage: devices bring punches of two days while the cloud is down and the agent is killed twice.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { punchId } from "../../src/streams/attendance/mod.ts";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { AifaceDevice, IclockDevice } from "../support/fakes/devices.ts";
import { FaultyServer } from "../support/servers/faulty_server.ts";
import { removeFolder } from "../support/temp.ts";

const DEVICES = 20;
const PUNCHES = 5_000;
/** Eight seconds on a quiet machine with two cores. */
const WITHIN_MS = 180_000;
const TIME_ZONE = "Asia/Kolkata";
const DAYS_MS = 2 * 86_400_000;

Deno.test("Two days without a cloud and two kills cost no punch, and none arrives twice", async () => {
  const total = DEVICES * PUNCHES;
  const end = performance.now() + WITHIN_MS;
  const until = async (what: string, so: () => boolean) => {
    while (!so()) {
      if (performance.now() > end) throw new Error(`Cannot wait longer until ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  await using cloud = await FaultyServer.start();
  cloud.nextFault = () => ({ kind: "reset" });
  const dir = await Deno.makeTempDir({ prefix: "clockblock-outage-" });
  const serials = Array.from({ length: DEVICES }, (_, i) => `DEV${i + 1}`);
  const config = {
    device_id: "agent-1",
    process_name: "no-such-game",
    attendance: {
      enabled: true,
      host: "127.0.0.1",
      port: 0,
      time_zone: TIME_ZONE,
      endpoint_url: `http://127.0.0.1:${cloud.port}`,
      devices: serials.map((sn) => ({ sn, name: sn })),
    },
  };
  const acknowledged = new Set<string>();
  const fleet = serials.map((sn, index) => device({ sn, index, acknowledged }));
  const stop = new AbortController();
  const running: Promise<void>[] = [];
  let agent: AgentProcess | undefined;
  try {
    for (const share of [1 / 3, 2 / 3, 1]) {
      agent = await startAgent({ dir, config });
      const port = await listeningPort(agent);
      for (const one of fleet) one.port = port;
      if (running.length === 0) running.push(...fleet.map((one) => one.run(stop.signal)));
      await until(
        `${share} of the punches are acknowledged`,
        () => acknowledged.size >= total * share,
      );
      if (share === 1) break;
      await agent.kill();
      assertStored(`${dir}/clockblock.db`, acknowledged);
    }
    assert.equal(cloud.rows.size, 0);

    cloud.nextFault = () => undefined;
    const token = await agent!.token();
    const headers = { authorization: `Bearer ${token}` };
    await (await fetch(`${agent!.url}/sync/now`, { method: "POST", headers })).text();
    await until("all are in the cloud", () => cloud.rows.size >= total);
    assert.deepEqual(new Set(cloud.rows.keys()), acknowledged);
  } finally {
    stop.abort();
    await Promise.all(running);
    await agent?.stop();
    removeFolder(dir);
  }
});

/** Every other device speaks the other protocol; each has its punches of two days in its flash. */
function device(
  { sn, index, acknowledged }: { sn: string; index: number; acknowledged: Set<string> },
): AifaceDevice | IclockDevice {
  const first = Date.now() - DAYS_MS;
  const times = Array.from(
    { length: PUNCHES },
    (_, i) =>
      new Date(first + Math.floor(i * DAYS_MS / PUNCHES / 1000) * 1000).toISOString()
        .slice(0, 19).replace("T", " "),
  );
  // The same second may have several people.
  const person = (i: number) => `${1 + i % 400}`;
  const note = (id: string, time: string) => acknowledged.add(punchId(sn, id, time));
  if (index % 2 === 0) {
    const aiface = new AifaceDevice({
      port: 0,
      sn,
      patienceMs: 2_000,
      onAcknowledged: ({ enrollid, time }) => note(String(enrollid), time),
    });
    aiface.punch(...times.map((time, i) => ({ enrollid: person(i), time, mode: 8 })));
    return aiface;
  }
  const iclock = new IclockDevice({
    port: 0,
    sn,
    pauseMs: 300,
    onAcknowledged(line) {
      const [id, time] = line.split("\t");
      note(id!, time!);
    },
  });
  iclock.punch(...times.map((time, i) => `${person(i)}\t${time}\t0\t15\t\t0\t0`));
  return iclock;
}

async function listeningPort(agent: AgentProcess): Promise<number> {
  for (;;) {
    const status = await (await fetch(`${agent.url}/status`)).json();
    const port = /:(\d+)$/.exec(status.attendance?.listening ?? "")?.[1];
    if (port) return Number(port);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** No device was told that a punch is kept which the killed agent has not kept. */
function assertStored(path: string, acknowledged: ReadonlySet<string>): void {
  const db = new DatabaseSync(path);
  try {
    const stored = new Set(db.prepare("SELECT id FROM device_logs").all().map(({ id }) => id));
    const lost = [...acknowledged].filter((id) => !stored.has(id));
    assert.deepEqual(lost, []);
  } finally {
    db.close();
  }
}
