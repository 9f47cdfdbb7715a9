/**
 * What anybody on this machine can do without the token: ask for what is large, many times over, and not read it.
 * The agent is a process of its own, the callers are sockets that do not read.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { until } from "../support/until.ts";

/** What the agent may take with all of this, in MB. */
const MOST_MB = 300;
/** Rows of each table, and what each of them has. */
const ROWS = 24;
const LARGE = 900_000;
/** Callers of each route. */
const CALLERS = 60;

const CALLS: readonly string[] = [
  "/records",
  "/records/projects?limit=1000",
  "/records/projects/large-1",
  "/local/events?mode=paper&limit=1000",
  "/local/events?mode=paper&limit=1000&severity=info",
  "/local/stream?mode=paper&since_seq=0",
  "/local/state?mode=paper",
  "/history?limit=5000",
  "/days?from=2025-06-01&to=2026-05-31",
  "/days?from=2025-06-01&to=2026-05-31&tz=Asia/Kolkata",
  "/slots?from=2026-01-01&to=2026-01-31",
  "/daily",
  "/games?from=2025-06-01&to=2026-05-31",
  "/allowance",
  "/punches?limit=5000",
  "/punches/corrections?limit=5000",
  "/people?limit=5000",
  "/people/1",
  "/people/1/export",
  "/presence",
  "/attendance/days?from=2026-02-01&to=2026-02-28&limit=5000",
  "/attendance/days?from=2026-02-01&to=2026-02-28&format=csv",
  "/attendance/months?from=2026-02&to=2026-02",
  "/devices/D1/commands",
  "/quarantine?limit=200",
  "/devices",
  "/sync/conflicts?limit=1000",
  "/sync/rejected?limit=1000",
  "/sync/status",
  "/status",
  "/stream",
  "/healthz",
  "/metrics",
  "/openapi.json",
  "/client.js",
  "/cloud.js",
  "/sw.js",
  "/manifest.webmanifest",
  "/icon-192.png",
  "/icon-512.png",
  "/",
];

function residentMb(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`)) ?? [];
  return Number(kib) / 1024;
}

/** Callers that ask, ten times in a row, and never read. */
class Silent implements Disposable {
  readonly #connections: Deno.Conn[] = [];

  async ask(agent: AgentProcess, path: string, callers: number, times = 10): Promise<void> {
    const port = Number(new URL(agent.url).port);
    const request = new TextEncoder().encode(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`.repeat(times),
    );
    for (let at = 0; at < callers; at++) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      this.#connections.push(connection);
      await connection.write(request).catch(() => {});
    }
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) connection.close();
  }
}

async function isWell(agent: AgentProcess): Promise<boolean> {
  try {
    const answer = await fetch(`${agent.url}/healthz`);
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    return false;
  }
}

/** Rows as large as they come, written as another program could. */
function fill(path: string): void {
  const db = new DatabaseSync(path, { timeout: 10_000 });
  const at = "2026-01-05T08:00:00.000Z";
  const text = "x".repeat(LARGE);
  const json = JSON.stringify({ text });
  const insert = (table: string, columns: Record<string, string | number | null>) => {
    const names = Object.keys(columns);
    db.prepare(
      `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
    )
      .run(...Object.values(columns));
  };
  for (let row = 1; row <= ROWS; row++) {
    // One at a time: the agent wants to write, too.
    insert("records", {
      table_name: "projects",
      record_id: `large-${row}`,
      system_id: "pc",
      data: json,
      updated_at: at,
    });
    // deno-fmt-ignore
    insert("local_events", {
      id: `event-${row}`, ts: at, seq: row, source: "s", type: "T", subtype: "S", symbol: null, severity: "info",
      body: text, meta_json: "{}", mode: "paper", idempotency_key: `key-${row}`, created_at: at,
    });
    // Before the punches: the agent adds whom it finds in them.
    insert("people", {
      person_id: String(row),
      name: "n".repeat(100),
      department: "d".repeat(100),
      active: 1,
      source: "person",
      updated_at: at,
    });
    // deno-fmt-ignore
    insert("device_logs", {
      id: `punch-${row}`, device_sn: "D1", person_id: String(row), device_time: "2026-01-05 08:00:00",
      time_zone: "UTC", punched_at: at, received_at: at, raw: text,
    });
    // deno-fmt-ignore
    insert("punch_corrections", {
      id: `correction-${row}`, kind: "strike", punch_id: `punch-${row}`, person_id: String(row), punched_at: at,
      direction: null, reason: "r".repeat(200), made_by: "m".repeat(200), created_at: at,
    });
    // deno-fmt-ignore
    insert("device_quarantine", {
      sha256: `q-${row}`, device_sn: "D1", protocol: "iclock", reason: "none", raw: text, received_at: at,
    });
    // deno-fmt-ignore
    insert("sync_conflicts", {
      at, table_name: "projects", record_id: `large-${row}`, kind: "edit/edit", winner: "local",
      local_updated_at: at, remote_updated_at: at, local_data: json, remote_data: json,
    });
    // deno-fmt-ignore
    insert("sync_rejected", {
      stream: "records", table_name: "projects", row_id: `large-${row}`,
      payload: JSON.stringify({ id: `large-${row}`, text }), status: 400, code: null, message: "no", attempts: 1,
      first_at: at, last_at: at,
    });
  }
  db.exec("BEGIN");
  for (let row = 0; row < 20_000; row++) {
    // deno-fmt-ignore
    insert("heartbeats", {
      id: `beat-${row}`, device_id: "pc", timestamp_utc: at, is_playing: 1, poll_interval_sec: 5,
      process_name: "Minecraft.exe".padEnd(250, "x"),
    });
    const slot = new Date(Date.parse("2025-06-01T00:00:00Z") + row * 900_000).toISOString();
    // In and out of 350 people on each day of a month.
    const day = new Date(Date.UTC(2026, 1, 1 + Math.floor(row / 700), 8 + row % 2 * 8))
      .toISOString();
    // deno-fmt-ignore
    insert("device_logs", {
      id: `daily-${row}`, device_sn: "D1", person_id: `p${row % 700 >> 1}`, device_time: day.replace("T", " ").slice(0, 19),
      time_zone: "UTC", punched_at: day, received_at: at, direction: row % 2 === 0 ? "in" : "out", raw: "",
    });
    // deno-fmt-ignore
    insert("game_slots", {
      device_id: "pc", slot_utc: slot, label: "l".repeat(100), process_name: "p".repeat(250), minutes_used: 15,
    });
  }
  db.exec("COMMIT");
  db.close();
}

Deno.test({
  name: "No route makes the agent take more than 300 MB, however many ask and do not read",
  // Where a process says how much memory it takes.
  ignore: Deno.build.os !== "linux",
  async fn(t) {
    await using agent = await startAgent({
      config: {
        process_name: `Nobody${Deno.pid}.exe`,
        time_zone: "UTC",
        attendance: { enabled: true, host: "127.0.0.1", port: 0, time_zone: "UTC" },
      },
    });
    fill(`${agent.dir}/clockblock.db`);
    const state = await fetch(`${agent.url}/local/state?mode=paper`, {
      method: "PUT",
      headers: {
        "authorization": `Bearer ${await agent.token()}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ text: "x".repeat(LARGE) }),
    });
    assert.equal(state.status, 200, await state.text());

    const { paths } = await (await fetch(`${agent.url}/openapi.json`)).json();
    const documented = Object.keys(paths).filter((path) => paths[path].get);
    const tried = new Set(CALLS.map((path) => path.split("?")[0]!));
    for (const path of documented) {
      const pattern = new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
      assert.ok([...tried].some((each) => pattern.test(each)), `${path} is not tried`);
    }

    let highest = 0;
    const watch = setInterval(() => highest = Math.max(highest, residentMb(agent.pid)), 20);
    try {
      // All of them stay to the end: what one route is let hold, the next has not.
      using silent = new Silent();
      for (const path of CALLS) {
        await t.step(path, async () => {
          await silent.ask(agent, path, CALLERS);
          // Others are served meanwhile, and what was asked has been looked at when they are.
          for (let asked = 0; asked < 3; asked++) {
            // All connections are closed now and then: a caller that asks again is answered.
            await until(() => isWell(agent), "the agent to answer", { withinMs: 5_000 });
          }
          assert.ok(highest <= MOST_MB, `${Math.round(highest)} MB`);
        });
      }
    } finally {
      clearInterval(watch);
    }
    await until(() => isWell(agent), "the agent to be well");
  },
});

Deno.test({
  name:
    "Listeners that do not read hold up neither the event loop nor the memory when large batches come",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using agent = await startAgent({ config: { process_name: `Nobody${Deno.pid}.exe` } });
    const headers = {
      "authorization": `Bearer ${await agent.token()}`,
      "content-type": "application/json",
    };
    const event = { mode: "paper", source: "s", type: "T", subtype: "S", severity: "info" };
    using silent = new Silent();
    await silent.ask(agent, "/local/stream?mode=paper", 1_000, 1);
    const metric = async (name: string) => {
      const text = await (await fetch(`${agent.url}/metrics`)).text();
      return Number(new RegExp(`^clockblock_${name} (\\S+)$`, "m").exec(text)?.[1]);
    };
    await until(async () => {
      const { events } = await (await fetch(`${agent.url}/status`)).json();
      return events.clients === 1_000;
    }, "1 000 listeners");
    for (let batch = 0; batch < 12; batch++) {
      const answer = await fetch(`${agent.url}/local/events`, {
        method: "POST",
        headers,
        body: JSON.stringify(
          Array.from({ length: 15 }, () => ({ ...event, body: `${batch}`.padEnd(60_000, "x") })),
        ),
      });
      assert.equal(answer.status, 200, await answer.text());
    }
    const heldMs = 1_000 * await metric("event_loop_delay_max_seconds");
    // 2 200 ms when each listener was sent all of a batch at once; 40 ms on an idle machine.
    assert.ok(heldMs < 400, `${heldMs} ms`);
    const mb = residentMb(agent.pid);
    assert.ok(mb <= MOST_MB, `${Math.round(mb)} MB`);
  },
});
