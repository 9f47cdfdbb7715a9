/** Calls to an agent that may be dead just now. @module */
import type { AgentProcess } from "../../support/process/agent_process.ts";

export interface Caller {
  /** The JSON of a success; null for what is not there (404); undefined without an answer or with another. */
  ask(path: string, init?: RequestInit & { headers?: Record<string, string> }): Promise<unknown>;
}

/** How long an answer may take: some are never given, because the agent dies. */
const PATIENCE_MS = 10_000;

/** Calls whichever agent runs. Answers that are an agent's own fault are noted in `faults`. */
export function callerOf(
  current: () => AgentProcess | undefined,
  faults: Map<string, number>,
): Caller {
  return {
    async ask(path, init = {}) {
      const agent = current();
      if (!agent) return undefined;
      try {
        const response = await fetch(agent.url + path, {
          ...init,
          headers: { authorization: `Bearer ${await agent.token()}`, ...init.headers },
          signal: AbortSignal.timeout(PATIENCE_MS),
        });
        const text = await response.text();
        if (response.ok) return JSON.parse(text) as unknown;
        if (response.status === 404) return null;
        const fault = `${init.method ?? "GET"} ${path.replace(/\d+/g, "…")}: ${response.status}`;
        faults.set(fault, (faults.get(fault) ?? 0) + 1);
      } catch {
        // Killed before it answered.
      }
      return undefined;
    },
  };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
