/**
 * The agent is killed again and again while eight programs write events: none that was acknowledged may be
 * missing, and the numbers have neither gaps nor repeats. KILLS sets how often (50).
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { sampleEvent } from "../support/events.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const WRITERS = 8;
const KILLS = Number(Deno.env.get("KILLS") ?? 50);
const MODES = ["live", "paper"];

interface Acknowledged {
  mode: string;
  seq: number;
  key: string;
}

/** Programs that send until their events are acknowledged, whoever is killed meanwhile. */
class Writers {
  readonly acknowledged: Acknowledged[] = [];
  #agent: { url: string; token: string } | undefined;
  #ended = false;
  readonly #running: Promise<unknown>;

  constructor() {
    this.#running = Promise.all(
      Array.from({ length: WRITERS }, (_, writer) => this.#write(writer)),
    );
  }

  async found(agent: AgentProcess): Promise<void> {
    this.#agent = { url: agent.url, token: await agent.token() };
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#running;
  }

  async #write(writer: number): Promise<void> {
    for (let turn = 0; !this.#ended; turn++) {
      const events = Array.from(
        { length: turn % 5 === 0 ? 150 : 1 + turn % 3 },
        (_, index) =>
          sampleEvent({
            mode: MODES[(turn + index) % 2],
            subtype: turn % 7 === 0 ? "BUY_FILLED" : "TICK",
            idempotency_key: `writer-${writer}-turn-${turn}-${index}`,
          }),
      );
      // The same keys until there is an answer: what was stored without one must not be stored twice.
      for (let answered = false; !answered;) {
        answered = await this.#post(events);
        if (this.#ended) return;
      }
    }
  }

  async #post(events: { [field: string]: unknown }[]): Promise<boolean> {
    try {
      const { url, token } = this.#agent ?? {};
      const response = await fetch(`${url}/local/events`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify(events),
      });
      const { accepted } = await response.json();
      assert.equal(response.status, 200);
      for (const [index, { seq, idempotency_key }] of accepted.entries()) {
        this.acknowledged.push({ mode: String(events[index]?.mode), seq, key: idempotency_key });
      }
      return true;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      // No agent, or one that has just been killed.
      await new Promise((resolve) => setTimeout(resolve, 10));
      return false;
    }
  }
}

Deno.test(`No acknowledged event is lost and no number repeats over ${KILLS} kills`, async () => {
  using dir = tempDir();
  const writers = new Writers();
  for (let kill = 0; kill <= KILLS; kill++) {
    const agent = await startAgent({ dir: dir.path, ...(kill === 0 ? { config: {} } : {}) });
    await writers.found(agent);
    // Somewhere between the first request and some thousand events.
    const enough = writers.acknowledged.length + (kill * 7_919) % 2_000;
    await until(() => writers.acknowledged.length > enough, "events");
    if (kill === KILLS) await writers.end();
    await agent.kill();
  }

  const db = new DatabaseSync(`${dir.path}/clockblock.db`);
  try {
    const rows = db.prepare("SELECT mode, seq, idempotency_key FROM local_events ORDER BY seq")
      .all();
    const seqs = new Map(rows.map(({ idempotency_key, mode, seq }) => [
      String(idempotency_key),
      `${mode} ${seq}`,
    ]));
    assert.equal(seqs.size, rows.length);
    for (const { mode, seq, key } of writers.acknowledged) {
      assert.equal(seqs.get(key), `${mode} ${seq}`, key);
    }
    for (const mode of MODES) {
      const numbers = rows.filter((row) => row.mode === mode).map(({ seq }) => Number(seq));
      assert.deepEqual(numbers, numbers.map((_, index) => index + 1));
    }
    assert.deepEqual({ ...db.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
  } finally {
    db.close();
  }
});
