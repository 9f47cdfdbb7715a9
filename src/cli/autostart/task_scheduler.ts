/** Start at login on Windows: a task of the Task Scheduler for this user. The scheduler copies the definition. @module */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Autostart } from "./autostart.ts";
import {
  AutostartError,
  belongsTo,
  decode,
  failureText,
  type InstallSteps,
} from "./install_steps.ts";
import type { Program } from "./program.ts";
import { escapeXml } from "./xml.ts";

const FILE = "clockblock-task.xml";

export const taskScheduler: Autostart = {
  what: "a task of the Task Scheduler",
  tools: ["schtasks", "whoami"],
  async install(program, steps, { replace = false } = {}) {
    const user = await userId(steps);
    const name = taskName(user);
    const { known, elsewhere } = await look(steps, name, { folder: program.folder, replace });
    const path = join(program.folder, FILE);
    const changed = steps.write(path, utf16(task(program, user))) || elsewhere;
    const state = !known ? "new" : changed ? "changed" : "same";
    if (state !== "same") await steps.run("schtasks", "/Create", "/TN", name, "/XML", path, "/F");
    return {
      state,
      async start() {
        if (state === "changed") await steps.attempt("schtasks", "/End", "/TN", name);
        await steps.run("schtasks", "/Run", "/TN", name);
      },
    };
  },
  async uninstall(folder, steps) {
    const name = taskName(await userId(steps));
    const { known } = await look(steps, name, { folder });
    if (known || steps.dryRun) {
      await steps.attempt("schtasks", "/End", "/TN", name);
      await steps.run("schtasks", "/Delete", "/TN", name, "/F");
    }
    steps.remove(join(folder, FILE));
    return known;
  },
  hints: ["Its log: logs\\clockblock.log. Its settings: taskschd.msc"],
};

/** The user's security identifier, which is ASCII in every language, unlike the name. */
async function userId(steps: InstallSteps): Promise<string> {
  const asked = await steps.ask("whoami", "/user", "/fo", "csv", "/nh");
  if (!asked) return "S-1-5-21-(yours)";
  const [sid] = /\bS-1(-\d+){2,}/.exec(decode(asked.stdout)) ?? [];
  if (!sid) {
    // Other shells have a whoami without these options.
    throw new AutostartError(
      `Cannot find out which user this is${failureText(asked)}. Try it from the Command Prompt`,
    );
  }
  return sid;
}

/** Users of a machine share the scheduler's folder: each needs another name in it. */
function taskName(user: string): string {
  return `ClockBlock ${user.slice(user.lastIndexOf("-") + 1)}`;
}

/** @throws {AutostartError} when the task is another folder's and may not be replaced */
async function look(
  steps: InstallSteps,
  name: string,
  { folder, replace = false }: { folder: string; replace?: boolean },
): Promise<{ known: boolean; elsewhere: boolean }> {
  const asked = await steps.ask("schtasks", "/Query", "/TN", name, "/XML", "ONE");
  if (asked?.code !== 0) return { known: false, elsewhere: false };
  const source = /<Source>([^<]*)<\/Source>/.exec(decode(asked.stdout))?.[1];
  // "cd c:\\play" and "cd C:\\Play" lead to the same folder.
  const elsewhere = source !== undefined &&
    source.toLowerCase() !== sourceOf(folder).toLowerCase();
  if (elsewhere && !replace) throw belongsTo(source);
  return { known: true, elsewhere };
}

/** A folder in ASCII: schtasks prints in the console's code page, which lacks letters. */
function sourceOf(folder: string): string {
  return escapeXml(pathToFileURL(folder, { windows: true }).href);
}

/**
 * The task's definition:
 *
 * - A trigger at any user's logon needs an administrator; one at this user's does not.
 * - conhost gives the program a console without a window. "Hidden" only hides a task from the scheduler's list, and
 *   without a console each poll of the process list would flash one.
 * - conhost always ends with 0, so "restart on failure" never applies: a second trigger starts the program every five
 *   minutes and is ignored while it runs. A repetition of the first trigger would begin only at the next logon.
 * - The default priority (7) is below that of games.
 */
export function task({ command, folder }: Program, user: string): string {
  const line = ["--headless", ...command.map(quoted)].join(" ");
  return `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Source>${sourceOf(folder)}</Source>
    <Author>ClockBlock</Author>
    <Description>Starts ClockBlock at login. Made by clockblock install.</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>${user}</UserId>
    </LogonTrigger>
    <TimeTrigger>
      <Repetition>
        <Interval>PT5M</Interval>
        <StopAtDurationEnd>false</StopAtDurationEnd>
      </Repetition>
      <StartBoundary>2026-01-01T00:00:00</StartBoundary>
      <Enabled>true</Enabled>
    </TimeTrigger>
  </Triggers>
  <Principals>
    <Principal id="User">
      <UserId>${user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <IdleSettings>
      <StopOnIdleEnd>false</StopOnIdleEnd>
      <RestartOnIdle>false</RestartOnIdle>
    </IdleSettings>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <Enabled>true</Enabled>
    <Hidden>false</Hidden>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <WakeToRun>false</WakeToRun>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>5</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>10</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="User">
    <Exec>
      <Command>%SystemRoot%\\System32\\conhost.exe</Command>
      <Arguments>${escapeXml(line)}</Arguments>
      <WorkingDirectory>${escapeXml(folder)}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
`;
}

/** A word of a Windows command line, where backslashes escape only before a quote. */
function quoted(word: string): string {
  if (/^[^\s"]+$/.test(word)) return word;
  return `"${word.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, "$&$&")}"`;
}

/** The encoding that schtasks reads: UTF-16 with a byte order mark and CRLF. */
function utf16(text: string): Uint8Array {
  const units = Uint16Array.from(
    `\ufeff${text.replaceAll("\n", "\r\n")}`,
    (unit) => unit.charCodeAt(0),
  );
  return new Uint8Array(units.buffer);
}
