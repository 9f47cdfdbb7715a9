/** Start at login, on the systems that have a way for it. @module */
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

/** This system's way; undefined where it has none. */
export function systemAutostart(os: typeof Deno.build.os = Deno.build.os): Autostart | undefined {
  return SYSTEMS[os];
}

/**
 * Gives up the permission to run the programs that `install` needs. Code that can register a service can run anything
 * outside of the agent's permissions, so nothing that listens or talks to a cloud keeps it. From source the set of
 * `deno.json` grants those of every system, so all are given up everywhere.
 */
export function giveUpAutostart(): void {
  const tools = Object.values(SYSTEMS).flatMap(({ tools }) => tools);
  for (const command of tools.flatMap((tool) => [tool, ...programPaths(tool)])) {
    Deno.permissions.revokeSync({ name: "run", command });
  }
  Deno.permissions.revokeSync({ name: "sys", kind: "homedir" });
}
