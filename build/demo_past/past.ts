/**
 * Gives the demo's agent a past before it starts: sixty days of play, events, records and grants, each written by the
 * part of the agent that writes it in earnest, on a clock that goes through those days. The same at every start but
 * for the date. What devices remember (office.ts) they send themselves.
 * @module
 */
import { openAgent } from "../../src/agent.ts";
import type { Config } from "../../src/config/mod.ts";
import { systemClock } from "../../src/core/mod.ts";
import { openTables } from "../../src/streams/playtime/tables.ts";
import { pastDays, type Present } from "./days.ts";
import { recordPlays } from "./play.ts";
import { deedsOf } from "./work.ts";

/** @param tokenPath where the agent's token is, once it was opened */
export async function writePast(
  config: Config,
  { tokenPath, deviceId, ...present }: Present & { tokenPath: string; deviceId: string },
): Promise<void> {
  let now = present.now;
  const agent = await openAgent(config, { clock: { ...systemClock, now: () => now } });
  try {
    const token = (await Deno.readTextFile(tokenPath)).trim();
    const host = `127.0.0.1:${config.api_port}`;
    const headers = {
      host,
      "authorization": `Bearer ${token}`,
      "content-type": "application/json",
    };
    const deeds = pastDays(present).flatMap(deedsOf).filter(({ at }) => at < present.now);
    for (const { at, method, path, body } of deeds) {
      now = at;
      const answer = await agent.fetch(
        new Request(`http://${host}${path}`, {
          method,
          headers,
          body: JSON.stringify(body),
        }),
      );
      if (!answer.ok) throw new Error(`Cannot ${method} ${path}: ${await answer.text()}`);
      await answer.body?.cancel();
    }
    // After the grants, which their days count.
    await agent.store.write(() => recordPlays(openTables(agent.store), { ...present, deviceId }));
  } finally {
    agent.close();
  }
}
