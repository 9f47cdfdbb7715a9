/** Start at login on Linux, macOS and Windows. @module */
import { programPaths } from "../../core/mod.ts";
import type { Autostart } from "./autostart.ts";
import { launchd } from "./launchd.ts";
import { systemd } from "./systemd.ts";
import { taskScheduler } from "./task_scheduler.ts";

export type { Autostart, Registration } from "./autostart.ts";
export {
  AutostartError,
  type InstallSteps,
  installSteps,
  NoAutostartError,
  type RunProgram,
  shellLine,
} from "./install_steps.ts";
export { type Program, programAtLogin } from "./program.ts";

const SYSTEMS: Partial<Record<typeof Deno.build.os, Autostart>> = {
  linux: systemd,
  darwin: launchd,
  windows: taskScheduler,
};

/** Undefined on a system without one. */
export function systemAutostart(os: typeof Deno.build.os = Deno.build.os): Autostart | undefined {
  return SYSTEMS[os];
}

/**
 * Gives up the permissions of `install`. A program that can register a service can run anything outside of the agent's
 * permissions. `deno.json` grants the programs of every system, so all are revoked everywhere.
 */
export function giveUpAutostart(): void {
  const tools = Object.values(SYSTEMS).flatMap(({ tools }) => tools);
  for (const command of tools.flatMap((tool) => [tool, ...programPaths(tool)])) {
    Deno.permissions.revokeSync({ name: "run", command });
  }
  Deno.permissions.revokeSync({ name: "sys", kind: "homedir" });
}
