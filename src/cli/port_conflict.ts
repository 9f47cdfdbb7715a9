/**
 * Which program has the port of the agent. The agent may not inspect other programs, but it may ask what listens on the
 * port, and name the command that shows the rest.
 * @module
 */
import type { Config } from "../config/mod.ts";
import { apiUrlOf } from "./client.ts";
import { durationOf } from "./terminal.ts";

/** Time limit for a program that accepts the connection but does not answer. */
const TIMEOUT_MS = 1_000;

/** Why the API's port cannot be used; undefined when it is free. Call it while this folder's agent does not run. */
export async function portTaken(
  config: Pick<Config, "api_host" | "api_port">,
): Promise<string | undefined> {
  const { api_host, api_port } = config;
  try {
    Deno.listen({ hostname: api_host, port: api_port }).close();
    return undefined;
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return `another program uses port ${api_port}. Stop it, or choose another api_port. ` +
      await whoListens(config);
  }
}

/** A sentence about what listens on the API's port. */
export async function whoListens(
  config: Pick<Config, "api_host" | "api_port">,
  { os = Deno.build.os }: { os?: typeof Deno.build.os } = {},
): Promise<string> {
  const known = await agentAt(`${apiUrlOf(config)}/status`);
  return known ?? showsWhoListens(config.api_port, { os });
}

/** A sentence that helps to find out what listens on a port. */
export function showsWhoListens(
  port: number,
  { os = Deno.build.os }: { os?: typeof Deno.build.os } = {},
): string {
  return `This shows which it is: ${LISTENERS[os]?.(port) ?? `netstat -an`}`;
}

const LISTENERS: Partial<Record<typeof Deno.build.os, (port: number) => string>> = {
  windows: (port) => `netstat -ano | findstr :${port}`,
  linux: (port) => `ss -ltnp sport = :${port}`,
  darwin: (port) => `lsof -nP -iTCP:${port} -sTCP:LISTEN`,
};

/** Another agent: of another folder, or of another user of this machine. */
async function agentAt(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const status: unknown = await response.json();
    if (typeof status !== "object" || status === null) return undefined;
    const { version, device_id, uptime_sec } = status as Record<string, unknown>;
    if (typeof version !== "string" || typeof device_id !== "string") return undefined;
    const since = typeof uptime_sec === "number" ? `, for ${durationOf(uptime_sec * 1000)}` : "";
    return `It is ClockBlock ${version} in another folder or of another user (device ${device_id}${since})`;
  } catch {
    // It speaks no HTTP, or not to us.
    return undefined;
  }
}
