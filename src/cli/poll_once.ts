/** One look for the game, as `--once` and `doctor` take it. @module */
import type { Agent } from "../agent.ts";
import type { Heartbeat } from "../contract/playtime.ts";

/** The heartbeat of one look; undefined when it cannot be known whether the game runs. */
export async function pollOnce(agent: Agent): Promise<Heartbeat | undefined> {
  let heartbeat: Heartbeat | undefined;
  const unsubscribe = agent.hub.subscribe(({ topic, data }) => {
    // The hub's topics have a shape each, which its type cannot say.
    if (topic === "heartbeat") heartbeat = data as Heartbeat;
  });
  try {
    await agent.pollOnce();
  } finally {
    unsubscribe();
  }
  return heartbeat;
}
