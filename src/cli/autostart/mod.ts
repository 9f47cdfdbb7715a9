/** Start at login, on the systems that have a way for it. @module */
import type { Autostart } from "./autostart.ts";
import { launchd } from "./launchd.ts";
import { systemd } from "./systemd.ts";
import { taskScheduler } from "./task_scheduler.ts";

export type { Autostart, Registration } from "./autostart.ts";
export {
  AutostartError,
  type Hands,
  hands,
  NoAutostartError,
  type RunProgram,
  shellLine,
} from "./hands.ts";
export { type Program, programAtLogin } from "./program.ts";

/** This system's way; undefined where it has none. */
export function systemAutostart(os: typeof Deno.build.os = Deno.build.os): Autostart | undefined {
  const known: Partial<Record<typeof os, Autostart>> = {
    linux: systemd,
    darwin: launchd,
    windows: taskScheduler,
  };
  return known[os];
}

/**
 * Gives up the right to run the programs that `install` needs. Whoever can start a service can have anything done
 * outside of the agent's permissions, so nothing that listens or talks to a cloud keeps it.
 */
export function giveUpAutostart(): void {
  for (const command of systemAutostart()?.tools ?? []) {
    Deno.permissions.revokeSync({ name: "run", command });
  }
  if (Deno.build.os === "darwin") Deno.permissions.revokeSync({ name: "sys", kind: "homedir" });
}
