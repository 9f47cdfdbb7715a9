/** Asking an agent of this process. @module */
import type { Agent } from "../../src/agent.ts";

/** What an agent answers. @throws unless it is a success */
export async function asked(
  agent: Agent,
  path: string,
  init: RequestInit & { headers?: Record<string, string> } = {},
): Promise<unknown> {
  const headers = { host: "127.0.0.1", ...init.headers };
  const response = await agent.fetch(new Request(`http://127.0.0.1${path}`, { ...init, headers }));
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return await response.json();
}
