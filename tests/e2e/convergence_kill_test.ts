/**
 * Three agents as processes, killed by SIGKILL while they sync and write, each behind a cable of its own: in the
 * end all have the same records, and none that was acknowledged is missing.
 * `CLOCKBLOCK_TEST_KILLS` sets how many kills a history has.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { Cloud } from "../support/servers/cloud.ts";
import { Plug } from "../support/servers/plug.ts";
import { removeFolder } from "../support/temp.ts";

const AGENTS = 3;
const SEEDS = [7, 20_261];
const KILLS = Number(Deno.env.get("CLOCKBLOCK_TEST_KILLS") ?? 4);

const MOST_ROUNDS = 20;

type Step =
  | { do: "edit" | "replace"; on: number; id: string; name: string }
  | { do: "delete"; on: number; id: string }
  | { do: "task"; on: number; under: string }
  | { do: "page"; id: string; name: string; deletes: boolean }
  | { do: "sync"; on: number }
  | { do: "partition"; on: number; ends: boolean }
  | { do: "kill"; on: number; afterMs: number };

const on = fc.nat({ max: AGENTS - 1 });
const id = fc.constantFrom("a", "b", "c");
const name = fc.string({ maxLength: 6, unit: "grapheme-ascii" });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("edit" as const), on, id, name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("replace" as const), on, id, name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), on, id }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("task" as const), on, under: id }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("page" as const), id, name, deletes: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("sync" as const), on }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("partition" as const), on, ends: fc.boolean() }),
  },
);
const kill: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("kill" as const),
  on,
  afterMs: fc.nat({ max: 40 }),
});
/** Some steps, a kill, some steps, a kill … */
const history = fc.array(fc.tuple(fc.array(step, { minLength: 4, maxLength: 12 }), kill), {
  minLength: KILLS,
  maxLength: KILLS,
}).map((parts) => parts.flatMap(([before, last]) => [...before, last]));

const cloud = await Cloud.start();

for (const seed of SEEDS) {
  Deno.test(`Records of ${AGENTS} agents that are killed converge, seed ${seed}`, async () => {
    await cloud.empty();
    await using stack = new AsyncDisposableStack();
    const agents: Agent[] = [];
    for (let n = 0; n < AGENTS; n++) agents.push(stack.use(await Agent.start(n)));
    // The first sign-in makes this account the system's member, while the system has no rows.
    await agents[0]!.sync();
    const [steps] = fc.sample(history, { seed, numRuns: 1 });
    const promised: string[] = [];
    for (const each of steps!) await take(each, { agents, promised });

    for (const { plug } of agents) plug.push();
    // A change may have to go round: there, the server's stamp back, and on to the others. A busy machine takes
    // longer than a sync waits for its end; so rounds are counted, not seconds.
    for (let round = 0; round < MOST_ROUNDS && !await agree(agents); round++) {
      for (const agent of agents) await agent.sync();
    }
    const there = await inCloud();
    for (const agent of agents) {
      assert.equal(await agent.waiting(), 0);
      assert.deepEqual(await agent.records(), there);
    }
    assert.ok(promised.length > 0);
    assert.deepEqual(promised.filter((task) => !there.some(([key]) => key === task)), []);
    const rejected = await Promise.all(agents.map((agent) => agent.get("/sync/rejected")));
    assert.deepEqual(rejected.flat(), []);
  });
}

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());

async function agree(agents: readonly Agent[]): Promise<boolean> {
  const there = JSON.stringify(await inCloud());
  for (const agent of agents) {
    if (await agent.waiting() > 0) return false;
    if (JSON.stringify(await agent.records()) !== there) return false;
  }
  return true;
}

async function take(
  each: Step,
  { agents, promised }: { agents: Agent[]; promised: string[] },
): Promise<void> {
  if (each.do === "page") {
    await cloud.sql(
      `INSERT INTO projects (id, system_id, name) VALUES ($1, 'pc-1', $2)
       ON CONFLICT ON CONSTRAINT projects_pkey DO UPDATE
         SET name = $2, deleted_at = CASE WHEN $3 THEN now() END`,
      [each.id, each.name, each.deletes],
    );
    return;
  }
  const agent = agents[each.on]!;
  switch (each.do) {
    case "edit": {
      // Another may have deleted it.
      const patched = await agent.write("PATCH", `/records/projects/${each.id}`, {
        status: each.name,
      });
      if (patched === 404) {
        await agent.write("PUT", `/records/projects/${each.id}`, { name: each.name });
      }
      break;
    }
    case "replace":
      await agent.write("PUT", `/records/projects/${each.id}`, { data: { by: each.name } });
      break;
    case "delete":
      // A project that the cloud has never seen would leave its tasks without one.
      if (await agent.childless(each.id)) {
        await agent.write("DELETE", `/records/projects/${each.id}`);
      }
      break;
    case "task": {
      await agent.write("PUT", `/records/projects/${each.under}`, { name: "for a task" });
      const task = `t${promised.length}`;
      const fields = { project_id: each.under, title: task };
      // Acknowledged: from here on it may not be lost.
      assert.equal(await agent.write("PUT", `/records/tasks/${task}`, fields), 201);
      promised.push(`tasks/${task}`);
      break;
    }
    case "sync":
      await agent.sync();
      break;
    case "partition":
      if (each.ends) agent.plug.push();
      else agent.plug.pull();
      break;
    case "kill":
      await agent.killWhileSyncing(each.afterMs);
  }
}

/** An agent, its cable and its folder, over the lives of its process. */
class Agent implements AsyncDisposable {
  readonly plug = new Plug(cloud.plug.port);
  readonly #dir: string;
  readonly #config: Readonly<Record<string, unknown>>;
  #process!: AgentProcess;

  private constructor(dir: string, number: number) {
    this.#dir = dir;
    this.#config = {
      device_id: `pc-${number + 1}`,
      process_name: "NoSuchGame.exe",
      supabase: {
        url: `http://127.0.0.1:${this.plug.port}`,
        key: cloud.key,
        email: cloud.alice.email,
        password: cloud.alice.password,
      },
      records: {
        system_id: "pc-1",
        tables: [{ name: "projects" }, { name: "tasks" }],
      },
    };
  }

  static async start(number: number): Promise<Agent> {
    const agent = new Agent(await Deno.makeTempDir({ prefix: "clockblock-killed-" }), number);
    await agent.#begin();
    return agent;
  }

  async get(path: string): Promise<unknown> {
    const response = await fetch(this.#process.url + path);
    assert.equal(response.status, 200, path);
    return await response.json();
  }

  /** The status that a write is answered with. */
  async write(method: string, path: string, body?: unknown): Promise<number> {
    const response = await this.#request(method, path, body);
    await response.body?.cancel();
    return response.status;
  }

  /** One round of the sync, whether it succeeds or not. */
  async sync(): Promise<void> {
    await this.write("POST", "/sync/now?stream=records");
  }

  /** What is not deleted, as `[table/id, what it says]`. */
  async records(): Promise<[string, unknown][]> {
    const tables = await Promise.all(["projects", "tasks"].map(async (table) => {
      const rows = await this.get(`/records/${table}`) as Record<string, unknown>[];
      return rows.map((row): [string, unknown] => [`${table}/${row.id}`, said(row)]);
    }));
    return tables.flat();
  }

  async childless(project: string): Promise<boolean> {
    const tasks = await this.get("/records/tasks") as Record<string, unknown>[];
    return !tasks.some(({ project_id }) => project_id === project);
  }

  async waiting(): Promise<number> {
    const { lanes } = await this.get("/sync/status") as {
      lanes: { stream: string; rows_waiting: number }[];
    };
    return lanes.find(({ stream }) => stream === "records")!.rows_waiting;
  }

  async killWhileSyncing(afterMs: number): Promise<void> {
    const syncing = this.sync().catch(() => {});
    const writing = this.write("PUT", "/records/projects/a", { name: "unheard" }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await this.#process.kill();
    await Promise.all([syncing, writing]);
    await this.#begin();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
    await this.plug[Symbol.asyncDispose]();
    removeFolder(this.#dir);
  }

  async #begin(): Promise<void> {
    this.#process = await startAgent({ dir: this.#dir, config: this.#config });
  }

  async #request(method: string, path: string, body?: unknown): Promise<Response> {
    return await fetch(this.#process.url + path, {
      method,
      headers: {
        "authorization": `Bearer ${await this.#process.token()}`,
        "content-type": "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}

async function inCloud(): Promise<[string, unknown][]> {
  const rows = await cloud.sql<{ key: string; row: Record<string, unknown> }>(
    `SELECT 'projects/' || id AS key, to_json(projects) AS row FROM projects WHERE deleted_at IS NULL
     UNION ALL
     SELECT 'tasks/' || id, to_json(tasks) FROM tasks WHERE deleted_at IS NULL ORDER BY 1`,
  );
  const records = rows.map(({ key, row }): [string, unknown] => [key, said(row)]);
  return records.sort(([one], [other]) => one < other ? -1 : 1);
}

/** A column that was never named has the cloud's default there, and may be missing here. */
function said(row: Record<string, unknown>): unknown {
  const { name = null, status = null, project_id = null, title = null } = row;
  const { by = null } = (row.data ?? {}) as { by?: string };
  return { name, status, by, project_id, title };
}
