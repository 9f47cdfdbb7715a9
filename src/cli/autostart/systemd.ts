/**
 * Start at login on Linux: a service of the user's systemd. The agent may write only in its folder, so the file stays
 * there and systemd links to it.
 * @module
 */
import { join } from "node:path/posix";
import type { Autostart, Registration } from "./autostart.ts";
import {
  belongsTo,
  decode,
  failureText,
  type InstallSteps,
  NoAutostartError,
} from "./install_steps.ts";
import type { Program } from "./program.ts";

const SERVICE = "clockblock.service";

export const systemd: Autostart = {
  what: `the systemd user service ${SERVICE}`,
  tools: ["systemctl"],
  async install(program, steps, { replace = false } = {}) {
    const before = await state(steps, program.folder, { replace });
    const path = join(program.folder, SERVICE);
    const changed = steps.write(path, new TextEncoder().encode(unit(program))) ||
      before.elsewhere;
    if (!changed && before.enabled) return registration(steps, { ...before, changed });
    if (before.elsewhere) await forgetLinks(steps);
    const enabled = await steps.attempt("systemctl", "--user", "enable", path);
    if (enabled.code !== 0) {
      // Links to a folder that was moved or removed block `enable`.
      await forgetLinks(steps);
      await systemctl(steps, "enable", path);
    }
    await systemctl(steps, "daemon-reload");
    return registration(steps, { ...before, changed });
  },
  async uninstall(folder, steps) {
    const { known } = await state(steps, folder);
    // A service that never ran cannot be stopped. Links stay where its file was deleted by hand.
    if (known || steps.dryRun) await steps.attempt("systemctl", "--user", "stop", SERVICE);
    const disabled = known || steps.dryRun
      ? await systemctl(steps, "disable", SERVICE)
      : await steps.ask("systemctl", "--user", "disable", SERVICE);
    steps.remove(join(folder, SERVICE));
    if (disabled?.code === 0) await systemctl(steps, "daemon-reload");
    return disabled?.code === 0;
  },
  hints: [
    "It runs while you are signed in. To have it run before that and after: loginctl enable-linger",
    `Its log: journalctl --user --unit ${SERVICE}, and logs/clockblock.log`,
  ],
};

async function forgetLinks(steps: InstallSteps): Promise<void> {
  await steps.attempt("systemctl", "--user", "disable", SERVICE);
}

interface State {
  /** Whether systemd knows the service. */
  known: boolean;
  /** Whether it is another folder's. */
  elsewhere: boolean;
  enabled: boolean;
  active: boolean;
}

/** @throws {AutostartError} when there are no user services, or the service is another folder's */
async function state(
  steps: InstallSteps,
  folder: string,
  { replace = false }: { replace?: boolean } = {},
): Promise<State> {
  const properties = "--property=LoadState,UnitFileState,ActiveState,WorkingDirectory";
  const shown = await steps.ask("systemctl", "--user", "show", properties, SERVICE);
  if (!shown) return { known: false, elsewhere: false, enabled: false, active: false };
  if (shown.code !== 0) {
    throw new NoAutostartError(`Cannot reach this user's systemd${failureText(shown)}`);
  }
  const text = decode(shown.stdout);
  const property = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1] ?? "";
  const other = property("WorkingDirectory");
  const elsewhere = other !== "" && other !== folder;
  if (elsewhere && !replace) throw belongsTo(other);
  return {
    elsewhere,
    known: property("LoadState") !== "not-found",
    enabled: property("UnitFileState") === "enabled",
    active: property("ActiveState") === "active",
  };
}

function registration(
  steps: InstallSteps,
  { known, active, changed }: State & { changed: boolean },
): Registration {
  return {
    state: !known ? "new" : changed ? "changed" : "same",
    active,
    start: async () => void await systemctl(steps, active ? "restart" : "start", SERVICE),
  };
}

function systemctl(steps: InstallSteps, ...args: string[]): ReturnType<InstallSteps["run"]> {
  return steps.run("systemctl", "--user", ...args);
}

/**
 * The service's file. Its limits need no namespaces, which some distributions do not let users have.
 * MemoryDenyWriteExecute is left out: JavaScript is compiled while it runs.
 */
export function unit({ command, folder }: Program): string {
  return `# Made by clockblock install.
[Unit]
Description=ClockBlock

[Service]
Type=exec
ExecStart=${execLine(command)}
WorkingDirectory=${folder.replaceAll("%", "%%")}
Restart=on-failure
RestartSec=10
# 2: the configuration has to be corrected first. 3: an agent already runs on the database.
RestartPreventExitStatus=2 3
UMask=0077
# Twice the listeners that the API takes; at this limit it closes all of its connections.
LimitNOFILE=4096
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service @pkey
SystemCallErrorNumber=EPERM

[Install]
WantedBy=default.target
`;
}

/** The colon keeps `$` as it is. systemd refuses a program with quotes in its path; env takes it. */
function execLine([program, ...args]: Program["command"]): string {
  const words = /["'\\]/.test(program) ? ["/usr/bin/env", quoted(program)] : [quoted(program)];
  return `:${[...words, ...args.map(quoted)].join(" ")}`;
}

function quoted(word: string): string {
  return `"${word.replaceAll("%", "%%").replaceAll(/["\\]/g, "\\$&")}"`;
}
