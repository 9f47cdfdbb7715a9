/**
 * An office of two hundred: an agent with a front door at which everybody came in this morning, and a back door that
 * never connected. It is evening where the office is.
 * @module
 */
import { type AgentProcess, startAgent } from "./process/agent_process.ts";
import { AifaceDevice, type AifaceRecord } from "./fakes/devices.ts";
import { until } from "./until.ts";

export const OFFICE_PEOPLE = 200;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface Office extends AsyncDisposable {
  readonly agent: AgentProcess;
  readonly door: AifaceDevice;
  readonly timeZone: string;
  /** A person goes out now. */
  leaves(id: number): void;
  /** A write of a program that has the token. */
  write(path: string, init: { method: string; json: unknown }): Promise<unknown>;
}

export async function startOffice(): Promise<Office> {
  const { timeZone, midnight } = eveningZone(Date.now());
  const agent = await startAgent({
    config: {
      process_name: `Office${Deno.pid}.exe`,
      time_zone: timeZone,
      attendance: {
        enabled: true,
        host: "127.0.0.1",
        port: 0,
        devices: [{ sn: "OFFICE1", name: "Front door" }, { sn: "OFFICE2", name: "Back door" }],
      },
    },
  });
  let port = 0;
  await until(async () => {
    const { attendance } = await (await fetch(`${agent.url}/status`)).json();
    port = Number(attendance.listening?.split(":").at(-1) ?? 0);
    return port > 0;
  }, "the devices' listener");
  const stop = new AbortController();
  const door = new AifaceDevice({ port, sn: "OFFICE1" });
  const running = door.run(stop.signal);
  const punch = (id: number, ms: number, inout: number): AifaceRecord => ({
    enrollid: id,
    name: `Person ${String(id).padStart(3, "0")}`,
    time: wallTime(ms, timeZone),
    inout,
  });
  door.punch(
    // Two came yesterday; the first forgot the exit.
    punch(1, midnight - DAY_MS + 8 * HOUR_MS, 0),
    punch(2, midnight - DAY_MS + 8.1 * HOUR_MS, 0),
    punch(2, midnight - DAY_MS + 17 * HOUR_MS, 1),
    ...Array.from(
      { length: OFFICE_PEOPLE },
      (_, index) => punch(index + 1, midnight + 7 * HOUR_MS + index * 10_000, 0),
    ),
  );
  await until(() => door.waiting === 0, "the morning's punches");
  return {
    agent,
    door,
    timeZone,
    leaves: (id) => door.punch(punch(id, Date.now(), 1)),
    async write(path, { method, json }) {
      const response = await fetch(agent.url + path, {
        method,
        headers: {
          "authorization": `Bearer ${await agent.token()}`,
          "content-type": "application/json",
        },
        body: JSON.stringify(json),
      });
      if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
      return await response.json();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await agent.kill();
      await running;
    },
  };
}

/** A zone in which it is between 20:00 and 21:00: the whole working day is over, and nobody has stayed for 16 hours. */
function eveningZone(now: number): { timeZone: string; midnight: number } {
  const ahead = 20 - new Date(now).getUTCHours();
  const offset = ahead > 12 ? ahead - 24 : ahead;
  const timeZone = offset === 0 ? "UTC" : `Etc/GMT${offset > 0 ? "-" : "+"}${Math.abs(offset)}`;
  const local = now + offset * HOUR_MS;
  return { timeZone, midnight: local - local % DAY_MS - offset * HOUR_MS };
}

function wallTime(ms: number, timeZone: string): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" })
    .format(ms);
}
