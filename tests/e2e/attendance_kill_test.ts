/**
 * Kills between the commit of a punch and its acknowledgement: the device, that has heard nothing, sends it again.
 * The agent's own zone is another than the devices'.
 * @module
 */
import assert from "node:assert/strict";
import { punchId } from "../../src/streams/attendance/mod.ts";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { IclockDevice } from "../support/fakes/devices.ts";
import { FaultyServer } from "../support/servers/faulty_server.ts";
import { RawSocket } from "../support/fakes/raw_wire.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const ROUNDS = 3;

/** What both devices bring in a round, in India: a second before midnight, and the midnight. */
function timesOf(round: number): string[] {
  return [`2026-03-0${round + 1} 23:59:59`, `2026-03-0${round + 2} 00:00:00`];
}

Deno.test("Punches whose acknowledgement a kill cut off are acknowledged the next time and are there once", async () => {
  using dir = tempDir();
  await using cloud = await FaultyServer.start();
  const config = {
    device_id: "agent-1",
    process_name: "no-such-game",
    attendance: {
      enabled: true,
      host: "127.0.0.1",
      port: 0,
      time_zone: "Asia/Kolkata",
      endpoint_url: `http://127.0.0.1:${cloud.port}`,
      devices: ["AI1", "CK1"].map((sn) => ({ sn, name: sn })),
    },
  };
  let agent = await startAgent({ dir: dir.path, config, env: { TZ: "America/St_Johns" } });
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const [sendlog, lines] = deliveries(round);
      {
        const port = await devicesPort(agent);
        using deaf = await Deno.connect({ hostname: "127.0.0.1", port });
        const socket = await RawSocket.open(port);
        await socket.send(JSON.stringify({ cmd: "reg", sn: "AI1" }));
        await socket.next();
        await socket.send(sendlog);
        await deaf.write(
          new TextEncoder().encode(
            "POST /iclock/cdata?SN=CK1&table=ATTLOG&Stamp=9999 HTTP/1.1\r\n" +
              `Content-Length: ${lines.length}\r\n\r\n${lines}`,
          ),
        );
        await until(async () => (await punches(agent)).length === 4 * (round + 1), "all are there");
        await agent.kill();
        socket.close();
      }
      agent = await startAgent({ dir: dir.path, env: { TZ: "America/St_Johns" } });
      const port = await devicesPort(agent);
      const socket = await RawSocket.open(port);
      await socket.send(sendlog);
      const { payload } = (await socket.next())!;
      const { result, count } = JSON.parse(new TextDecoder().decode(payload));
      assert.deepEqual({ result, count }, { result: true, count: 2 });
      socket.close();
      assert.equal(
        (await new IclockDevice({ port, sn: "CK1" }).post("ATTLOG", lines)).body,
        "OK: 2",
      );
      assert.equal((await punches(agent)).length, 4 * (round + 1));
    }
    const wanted = Array.from({ length: ROUNDS }, (_, round) => timesOf(round))
      .flat().flatMap((time) => [punchId("AI1", "7", time), punchId("CK1", "7", time)]).sort();
    const stored = await punches(agent);
    assert.deepEqual(stored.map(({ id }) => id).sort(), wanted);
    const [last, before] = stored.filter(({ device_sn }) => device_sn === "CK1");
    assert.deepEqual([before?.punched_at, last?.punched_at], [
      "2026-03-03T18:29:59.000Z",
      "2026-03-03T18:30:00.000Z",
    ]);
    await until(async () => {
      const headers = { authorization: `Bearer ${await agent.token()}` };
      await (await fetch(`${agent.url}/sync/now`, { method: "POST", headers })).body?.cancel();
      return cloud.rows.size === wanted.length;
    }, "all are in the cloud");
    assert.deepEqual([...cloud.rows.keys()].sort(), wanted);
  } finally {
    await agent.kill();
  }
});

function deliveries(round: number): [sendlog: string, lines: string] {
  const times = timesOf(round);
  const record = times.map((time) => ({ enrollid: 7, time, mode: 8, inout: 0, event: 0 }));
  return [
    JSON.stringify({ cmd: "sendlog", sn: "AI1", count: 2, logindex: 0, record }),
    times.map((time) => `7\t${time}\t0\t15\t\t0\t0\n`).join(""),
  ];
}

async function punches(agent: AgentProcess): Promise<Record<string, string>[]> {
  return await (await fetch(`${agent.url}/punches?limit=1000`)).json();
}

async function devicesPort(agent: AgentProcess): Promise<number> {
  let port = 0;
  await until(async () => {
    const { attendance } = await (await fetch(`${agent.url}/status`)).json();
    port = Number(/:(\d+)$/.exec(attendance.listening ?? "")?.[1]);
    return port > 0;
  }, "it listens");
  return port;
}
