/**
 * Start at login on macOS: an agent of launchd. launchd reads ~/Library/LaunchAgents, where ClockBlock may not write, so
 * `cp` copies the file from ClockBlock's folder.
 * @module
 */
import { homedir } from "node:os";
import { join } from "node:path/posix";
import { systemClock } from "../../core/mod.ts";
import type { Autostart } from "./autostart.ts";
import {
  AutostartError,
  belongsTo,
  decode,
  failureText,
  type InstallSteps,
  NoAutostartError,
} from "./install_steps.ts";
import type { Program } from "./program.ts";
import { escapeXml } from "./xml.ts";

const LABEL = "local.clockblock";
const FILE = `${LABEL}.plist`;

/** `bootout` returns before launchd has released the old agent; until then `bootstrap` fails. */
const BOOTSTRAP_TRIES = 5;
const BOOTSTRAP_RETRY_MS = 1_000;

export const launchd: Autostart = {
  what: `the launchd agent ${LABEL}`,
  tools: ["launchctl", "mkdir", "cp", "rm"],
  async install(program, steps, { replace = false } = {}) {
    const { domain, loaded, elsewhere } = await state(steps, program.folder, { replace });
    const own = join(program.folder, FILE);
    const changed = steps.write(own, new TextEncoder().encode(plist(program))) || elsewhere;
    const was = !loaded ? "new" : changed ? "changed" : "same";
    // Loading it starts it.
    if (was === "same") {
      return {
        state: was,
        start: async () => void await steps.run("launchctl", "kickstart", `${domain}/${LABEL}`),
      };
    }
    if (loaded) await steps.run("launchctl", "bootout", `${domain}/${LABEL}`);
    const folder = agentsFolder();
    await steps.run("mkdir", "-p", folder);
    await steps.run("cp", "-f", own, join(folder, FILE));
    await steps.run("launchctl", "enable", `${domain}/${LABEL}`);
    return { state: was, start: () => bootstrap(steps, domain, join(folder, FILE)) };
  },
  async uninstall(folder, steps) {
    const { domain, loaded } = await state(steps, folder);
    if (loaded || steps.dryRun) await steps.run("launchctl", "bootout", `${domain}/${LABEL}`);
    await steps.run("rm", "-f", join(agentsFolder(), FILE));
    steps.remove(join(folder, FILE));
    return loaded;
  },
  hints: ["Its log: logs/clockblock.log"],
};

async function bootstrap(steps: InstallSteps, domain: string, path: string): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      await steps.run("launchctl", "bootstrap", domain, path);
      return;
    } catch (error) {
      if (!(error instanceof AutostartError) || tries === BOOTSTRAP_TRIES) throw error;
      await systemClock.wait(BOOTSTRAP_RETRY_MS);
    }
  }
}

/** @throws {AutostartError} when no user is signed in at the screen, or the agent belongs to another folder */
async function state(
  steps: InstallSteps,
  folder: string,
  { replace = false }: { replace?: boolean } = {},
): Promise<{ domain: string; loaded: boolean; elsewhere: boolean }> {
  const uid = await steps.ask("launchctl", "manageruid");
  if (!uid) return { domain: "gui/$UID", loaded: false, elsewhere: false };
  if (uid.code !== 0) throw new NoAutostartError(`Cannot reach launchd${failureText(uid)}`);
  const domain = `gui/${decode(uid.stdout).trim()}`;
  const printed = await steps.ask("launchctl", "print", `${domain}/${LABEL}`);
  if (printed?.code !== 0) return { domain, loaded: false, elsewhere: false };
  const other = /^\s*working directory = (.*)$/m.exec(decode(printed.stdout))?.[1];
  const elsewhere = other !== undefined && other !== folder;
  if (elsewhere && !replace) throw belongsTo(other);
  return { domain, loaded: true, elsewhere };
}

function agentsFolder(): string {
  return join(homedir(), "Library", "LaunchAgents");
}

/** Restarted after a failure, at most once a minute; "Background" would slow the polling down. */
export function plist({ command, folder }: Program): string {
  const strings = command.map((word) => `    <string>${escapeXml(word)}</string>\n`).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${strings}  </array>
  <key>WorkingDirectory</key>
  <string>${escapeXml(folder)}</string>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>60</integer>
  <key>SoftResourceLimits</key>
  <dict>
    <key>NumberOfFiles</key>
    <integer>4096</integer>
  </dict>
  <key>HardResourceLimits</key>
  <dict>
    <key>NumberOfFiles</key>
    <integer>4096</integer>
  </dict>
  <key>ProcessType</key>
  <string>Standard</string>
  <key>LimitLoadToSessionType</key>
  <string>Aqua</string>
</dict>
</plist>
`;
}
