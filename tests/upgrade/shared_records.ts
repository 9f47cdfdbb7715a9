/**
 * Records that a machine and a cloud have both edited: what is in the cloud, what was read from it, and conflicts that
 * either side has won.
 * @module
 */
import { openAgent } from "../../src/agent.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { Cloud } from "../support/servers/cloud.ts";
import type { FakeClock } from "../support/fakes/fake_clock.ts";
import { asked } from "./asked.ts";

/** Lets the agent in `dir` share records with a Supabase for a moment in which the clock stands still. */
export async function shareRecords(
  dir: string,
  { clock, config }: { clock: FakeClock; config: Readonly<Record<string, unknown>> },
): Promise<void> {
  await using cloud = await Cloud.start();
  cloud.clockOffsetMs = clock.now() - Date.now();
  const { url, key, alice: { email, password } } = cloud;
  const supabase = { url, key, email, password, realtime: false };
  await Deno.writeTextFile(`${dir}/config.json`, JSON.stringify({ ...config, supabase }));
  const agent = await openAgent(loadConfig({ cwd: dir }), {
    clock,
    lister: () => Promise.resolve([{ image: "init" }]),
  });
  const stop = new AbortController();
  const running = agent.run({ signal: stop.signal });
  const token = (await Deno.readTextFile(`${dir}/api-token`)).trim();
  const write = (method: string, id: string, json: unknown) =>
    asked(agent, `/records/projects/${id}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(json),
    });

  for (const [id, name] of [["p3", "Shed"], ["p4", "Fence"], ["p5", "Pond"]] as const) {
    await write("PUT", id, { name, status: "open" });
  }
  await agent.sync.now("records");
  // p3 is won by the cloud, p4 by this machine, and p5, deleted here, comes back.
  await write("PATCH", "p3", { status: "done" });
  await write("PATCH", "p4", { status: "done" });
  await write("DELETE", "p5", undefined);
  // Its trigger goes by the time of today, which would win everywhere.
  await cloud.sql("ALTER TABLE projects DISABLE TRIGGER last_write_wins");
  for (const [id, afterMs] of [["p3", 60_000], ["p4", -60_000], ["p5", 60_000]] as const) {
    await cloud.sql(
      `UPDATE projects SET name = name || ' (there)', updated_at = $2,
         received_at = clock_timestamp() WHERE id = $1`,
      [id, new Date(clock.now() + afterMs).toISOString()],
    );
  }
  await cloud.sql("ALTER TABLE projects ENABLE TRIGGER last_write_wins");
  await agent.sync.now("records");
  stop.abort();
  await running;
  agent.close();
}
