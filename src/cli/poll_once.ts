/** One poll of the process list, for `--once` and `doctor`. @module */
import type { Agent } from "../agent.ts";
import type { Heartbeat } from "../contract/playtime.ts";

/** The heartbeat of one poll; undefined when the process list cannot tell. */
export async function pollOnce(agent: Agent): Promise<Heartbeat | undefined> {
  let heartbeat: Heartbeat | undefined;
  const unsubscribe = agent.hub.subscribe(({ topic, data }) => {
    // The type of the hub does not have the shape of each topic.
    if (topic === "heartbeat") heartbeat = data as Heartbeat;
  });
  try {
    await agent.pollOnce();
  } finally {
    unsubscribe();
  }
  return heartbeat;
}
