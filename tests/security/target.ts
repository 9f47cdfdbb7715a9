/**
 * What is attacked: a real agent with both of its listeners open, a device that works there, and connections on
 * which an attacker says what no client would.
 * @module
 */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { AifaceDevice } from "../support/fakes/devices.ts";
import { until } from "../support/until.ts";

export const DOOR = "AYSK1001";
export const HERE = "127.0.0.1";
/** Where attackers of the devices' port sit: what one may have is counted by address. macOS has a single one. */
export const ELSEWHERE = Deno.build.os === "darwin" ? HERE : "127.0.0.66";

export interface Target extends AsyncDisposable {
  agent: AgentProcess;
  token: string;
  apiPort: number;
  devicesPort: number;
  /** How many punches the device at the door has had acknowledged. */
  readonly punches: number;
  /** Fails unless a program is answered, and a punch of the device at the door is taken in. */
  serves(): Promise<void>;
  /** What a program that has the token is told. */
  ask(path: string, init?: { method: string; json: unknown }): Promise<Answer>;
  /** Ends the agent: all that it has logged, as a service manager and as the file have it. */
  end(): Promise<{ printed: string; file: string }>;
}

export interface Answer {
  status: number;
  // deno-lint-ignore no-explicit-any -- as JSON came
  json: any;
}

/** @param options.files how many files and connections the system lets the agent have open, itself included */
export async function startTarget({ files }: { files?: number } = {}): Promise<Target> {
  const agent = await startAgent({
    ...(files === undefined ? {} : {
      emulated: {
        deno: ["sh", "-c", `ulimit -n ${files} && exec "$0" "$@"`, Deno.execPath()],
        os: Deno.build.os,
      },
    }),
    config: {
      process_name: `Nobody${Deno.pid}.exe`,
      time_zone: "UTC",
      attendance: {
        enabled: true,
        host: "127.0.0.1",
        port: 0,
        time_zone: "UTC",
        devices: [{ sn: DOOR, name: "Front door" }],
      },
    },
  });
  const token = await agent.token();
  const ask: Target["ask"] = async (path, init) => {
    const response = await fetch(agent.url + path, {
      method: init?.method ?? "GET",
      headers: {
        "authorization": `Bearer ${token}`,
        ...(init ? { "content-type": "application/json" } : {}),
      },
      ...(init ? { body: JSON.stringify(init.json) } : {}),
    });
    return { status: response.status, json: await response.json() };
  };
  let devicesPort = 0;
  await until(async () => {
    const { json } = await ask("/status");
    devicesPort = Number(json.attendance.listening?.split(":").at(-1) ?? 0);
    return devicesPort > 0;
  }, "the devices' listener");

  const stop = new AbortController();
  const door = new AifaceDevice({ port: devicesPort, sn: DOOR });
  const working = door.run(stop.signal);
  let punches = 0;
  return {
    agent,
    token,
    apiPort: Number(new URL(agent.url).port),
    devicesPort,
    ask,
    get punches() {
      return punches;
    },
    async serves() {
      const answer = await fetch(`${agent.url}/healthz`, { headers: { connection: "close" } });
      const said = await answer.text();
      assert.equal(answer.status, 200, said);
      const time = new Date(Date.UTC(2026, 0, 5, 8, 0, punches)).toISOString().slice(0, 19);
      door.punch({ enrollid: 7, time: time.replace("T", " "), inout: 0 });
      await until(() => door.waiting === 0, "the punch to be acknowledged");
      punches++;
    },
    async end() {
      stop.abort();
      await working;
      await agent.stop();
      // On Windows nothing asks it to end: what it has not written to its file by then is lost.
      const path = `${agent.dir}/logs/clockblock.log`;
      const file = Deno.build.os === "windows" ? "" : await Deno.readTextFile(path);
      return { printed: agent.output, file };
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await agent[Symbol.asyncDispose]();
      await working;
    },
  };
}

/** A connection, byte by byte. */
export class Wire implements Disposable {
  readonly #socket: Socket;
  #heard = "";
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes) => void (this.#heard += bytes.toString("latin1")));
    // A reset is a close, too.
    socket.on("error", () => {});
    socket.on("close", () => void (this.#closed = true));
    socket.on("end", () => void (this.#closed = true));
  }

  /** Whether it was let in or not: an attacker does not care. */
  static open(port: number, { from }: { from?: string } = {}): Promise<Wire> {
    const socket = connect({
      host: HERE,
      port,
      ...(from === undefined ? {} : { localAddress: from }),
      allowHalfOpen: true,
    });
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new Wire(socket));
      });
    });
  }

  get heard(): string {
    return this.#heard;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The statuses of all answers. */
  get statuses(): number[] {
    return [...this.#heard.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  }

  /** Sends bytes and waits until they are on their way, or nobody takes them any more. */
  say(bytes: string | Uint8Array): Promise<void> {
    if (this.#closed || this.#socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#socket.off("close", done);
        resolve();
      };
      this.#socket.once("close", done);
      this.#socket.write(bytes, done);
    });
  }

  /** Says that no more will come. */
  end(): void {
    this.#socket.end();
  }

  answered(): Promise<void> {
    return until(() => this.statuses.length > 0, "an answer");
  }

  hungUp(): Promise<void> {
    return until(() => this.#closed, "the connection's end");
  }

  /** Whichever comes first. */
  over(): Promise<void> {
    return until(() => this.statuses.length > 0 || this.#closed, "an answer or the end");
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** So many connections, opened a hundred at a time. */
export async function crowd(
  count: number,
  port: number,
  options: { from?: (index: number) => string; mayBeRefused?: boolean } = {},
): Promise<Wire[] & Disposable> {
  const wires: Wire[] = [];
  for (let opened = 0; opened < count; opened += 100) {
    const next = Array.from({ length: Math.min(100, count - opened) }, (_, index) => {
      const from = options.from?.(opened + index);
      return Wire.open(port, from === undefined ? {} : { from });
    });
    for (const result of await Promise.allSettled(next)) {
      if (result.status === "fulfilled") wires.push(result.value);
      else if (!options.mayBeRefused) throw result.reason;
    }
  }
  return Object.assign(wires, {
    [Symbol.dispose]: () => wires.forEach((wire) => wire[Symbol.dispose]()),
  });
}
