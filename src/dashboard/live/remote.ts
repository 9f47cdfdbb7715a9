/**
 * The cloud in the agent's place: polled every 30 seconds while the agent is away, an account is signed in
 * and the page is visible.
 * The agent is tried all the time (follow.ts); its first answer ends this.
 * @module
 */
import { batch, computed, effect } from "@preact/signals";
import { isRefusal, type MachineSource } from "../source/source.ts";
import { remote } from "./cloud.ts";
import { local, source } from "./source.ts";
import { arrivals, changes, cloudError, heardMs, link, machineStatus } from "./state.ts";
import { extendSpans } from "./today.ts";
import { whileVisible } from "./while_visible.ts";

export const REMOTE_POLL_MS = 30_000;
const TIMEOUT_MS = 10_000;

/** Runs as long as the page. */
export function followRemote(): void {
  effect(() => void (source.value = link.value === "remote" && remote.value || local));
  const away = computed(() => link.value === "offline" || link.value === "remote");
  effect(() => {
    const machine = remote.value;
    return away.value && machine ? whileVisible(() => poll(machine)) : undefined;
  });
}

/** @returns its end */
function poll(machine: MachineSource): () => void {
  const stop = new AbortController();
  const ask = async () => {
    try {
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const known = await machine.status({ signal });
      if (stop.signal.aborted) return;
      batch(() => {
        machineStatus.value = known;
        heardMs.value = Date.now();
        cloudError.value = null;
        if (link.value === "remote") {
          for (const topic of Object.values(changes)) topic.value++;
        } else arrivals.value++;
        link.value = "remote";
      });
      await extendSpans(machine, { signal });
    } catch (error) {
      if (stop.signal.aborted) return;
      cloudError.value = isRefusal(error) ? error : new Error("The cloud does not answer either.");
      if (link.value === "remote") link.value = "offline";
    }
  };
  void ask();
  const timer = setInterval(ask, REMOTE_POLL_MS);
  return () => {
    clearInterval(timer);
    stop.abort();
  };
}
