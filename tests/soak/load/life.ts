/** What happens around a machine: somebody plays, people punch in and out, and a page watches. @module */
import { punchId } from "../../../src/streams/attendance/mod.ts";
import type { AgentProcess } from "../../support/process/agent_process.ts";
import { AifaceDevice, IclockDevice } from "../../support/fakes/devices.ts";
import { sseEvents } from "../../support/fakes/events/event_source.ts";
import { startFakeGame } from "../../support/fakes/fake_game.ts";
import { pause } from "./caller.ts";
import { randomOf } from "./random.ts";

export const GAME = "ClockBlockSoak.exe";
export const SERIALS = ["SOAKAIFACE", "SOAKICLOCK"] as const;
const PLAY_MS = [2_000, 15_000] as const;
const PUNCH_MS = [100, 1_500] as const;
const PEOPLE = 50;
const DAY_MS = 86_400_000;

/** A game that starts and ends. */
export class GameLoad {
  playedMs = 0;
  /** Starts and ends: each may cost or give an interval. */
  changes = 0;

  async run(seed: number, signal: AbortSignal): Promise<void> {
    const random = randomOf(seed, "game");
    while (!signal.aborted) {
      await pause(random.between(...PLAY_MS));
      const began = performance.now();
      await using _game = await startFakeGame(GAME);
      await pause(random.between(...PLAY_MS));
      this.playedMs += performance.now() - began;
      this.changes += 2;
    }
  }
}

/** Two devices of different makes, each with a memory of its own. */
export class DevicesLoad {
  /** Ids of the punches that a device was told are kept. */
  readonly acknowledged = new Set<string>();
  readonly #aiface: AifaceDevice;
  readonly #iclock: IclockDevice;

  /** @param port where the way to the agent's listener begins */
  constructor(port: number) {
    const [aiface, iclock] = SERIALS;
    this.#aiface = new AifaceDevice({
      port,
      sn: aiface,
      patienceMs: 3_000,
      onAcknowledged: ({ enrollid, time }) =>
        this.acknowledged.add(punchId(aiface, String(enrollid), time)),
    });
    this.#iclock = new IclockDevice({
      port,
      sn: iclock,
      pauseMs: 500,
      patienceMs: 3_000,
      onAcknowledged: (line) => {
        const [person = "", time = ""] = line.split("\t");
        this.acknowledged.add(punchId(iclock, person, time));
      },
    });
  }

  get waiting(): number {
    return this.#aiface.waiting + this.#iclock.waiting;
  }

  /** People come and go until `signal` aborts; the devices call until `hangUp` does. */
  async run(
    seed: number,
    { signal, hangUp }: { signal: AbortSignal; hangUp: AbortSignal },
  ): Promise<void> {
    const running = [this.#aiface.run(hangUp), this.#iclock.run(hangUp)];
    const random = randomOf(seed, "people");
    const first = Date.now() - DAY_MS;
    for (let count = 0; !signal.aborted; count++) {
      const person = 1 + count % PEOPLE;
      const time = new Date(first + Math.floor(count / PEOPLE) * 1_000).toISOString().slice(0, 19)
        .replace("T", " ");
      if (random() < 0.5) this.#aiface.punch({ enrollid: person, time, mode: 8, inout: count % 2 });
      else this.#iclock.punch(`${person}\t${time}\t${count % 2}\t15\t\t0\t0`);
      await pause(random.between(...PUNCH_MS));
    }
    await Promise.all(running);
  }
}

/** Notes the heartbeats that the agent tells of: what was told must never be lost. */
export async function watchHeartbeats(agent: AgentProcess, told: Set<string>): Promise<void> {
  try {
    const { body } = await fetch(`${agent.url}/stream?topics=heartbeat`);
    for await (const { data } of sseEvents(body!)) {
      const { id } = JSON.parse(data) as { id?: string };
      if (id) told.add(id);
    }
  } catch {
    // The agent is dead.
  }
}
