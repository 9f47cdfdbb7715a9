/** The checks of `doctor`, in the order of its output. A check that throws fails with the error's message. @module */
import { dirname, join } from "node:path";
import { openAgent, runningProcesses } from "../../agent.ts";
import type { Config } from "../../config/mod.ts";
import { flavour, localTimeZone, version } from "../../core/mod.ts";
import { statOf } from "../../store/mod.ts";
import { tokenPathOf } from "../client.ts";
import { messageOf } from "../exit.ts";
import type { Status } from "../../contract/status.ts";
import { devicesText } from "../commands/status.ts";
import { portTaken, showsWhoListens } from "../port_conflict.ts";
import { pollOnce } from "../poll_once.ts";
import { runningAgent } from "../session.ts";
import { checkAccount, checkClouds } from "./clouds.ts";
import { checkDatabase } from "./database.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";

type Check = (config: Config) => Finding[] | Promise<Finding[]>;

const CHECKS: Readonly<Record<string, Check>> = {
  program: () => [
    ok(
      "program",
      `ClockBlock ${version} (${flavour()}), Deno ${Deno.version.deno}, ${Deno.build.target}`,
    ),
  ],
  permissions: checkPermissions,
  folder: checkFolder,
  agent: checkAgent,
  devices: checkDevices,
  database: checkDatabase,
  "process list": checkProcessList,
  cloud: checkClouds,
  account: checkAccount,
  clock: ({ time_zone }) => [ok("clock", `time zone ${time_zone ?? localTimeZone()}`)],
};

export async function* runChecks(config: Config): AsyncGenerator<Finding> {
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      yield* await check(config);
    } catch (error) {
      yield { name, state: "fail", detail: messageOf(error) };
    }
  }
}

/** The permissions that every installation needs; loading the configuration checked those that it adds. */
function checkPermissions({ db_path }: Config): Finding[] {
  const folder = dirname(db_path);
  const needed: [text: string, descriptor: Deno.PermissionDescriptor][] = [
    [`read ${folder}`, { name: "read", path: folder }],
    [`write ${folder}`, { name: "write", path: folder }],
    ["listen on and ask 127.0.0.1", { name: "net", host: "127.0.0.1" }],
    ["read CLOCKBLOCK_* variables", { name: "env", variable: "CLOCKBLOCK_CONFIG" }],
    ["see the network interfaces", { name: "sys", kind: "networkInterfaces" }],
    ["read the host name", { name: "sys", kind: "hostname" }],
  ];
  return needed.map(([text, descriptor]) =>
    Deno.permissions.querySync(descriptor).state === "granted"
      ? ok("permission", text)
      : fail("permission", `${text}: missing. Start ClockBlock as the README says`)
  );
}

/** Whether files can be made where the database is. */
function checkFolder({ db_path }: Config): Finding[] {
  const folder = dirname(db_path);
  const probe = join(folder, `.clockblock-doctor-${crypto.randomUUID()}`);
  try {
    Deno.writeTextFileSync(probe, "ClockBlock looks whether it can write here.");
    Deno.removeSync(probe);
  } catch (error) {
    return [
      fail("folder", `${folder} cannot be written: ${messageOf(error)}. Correct its access rights`),
    ];
  }
  return [ok("folder", `${folder} can be written`), ...checkToken(db_path)];
}

function checkToken(dbPath: string): Finding[] {
  const path = tokenPathOf(dbPath);
  const mode = statOf(path)?.mode ?? 0;
  // Windows has no modes.
  if (Deno.build.os === "windows" || (mode & 0o077) === 0) return [];
  return [warn("token", `${path} can be read by others. Restart the agent: it corrects that`)];
}

async function checkAgent(config: Config): Promise<Finding[]> {
  const client = await runningAgent(config);
  if (client) {
    const { warnings } = await client.get<Pick<Status, "warnings">>("/status");
    return [
      ok("agent", `runs: ${client.url}`),
      ...warnings.map(({ message }) => warn("warning", message)),
    ];
  }
  const notRunning = warn("agent", "does not run. Start it with clockblock run");
  const taken = await portTaken(config);
  const free = `${config.api_host}:${config.api_port} is free`;
  return [notRunning, taken ? fail("port", taken) : ok("port", free)];
}

/** Whether attendance devices can connect, where attendance is enabled. */
async function checkDevices(config: Config): Promise<Finding[]> {
  const { enabled, host, port } = config.attendance;
  if (!enabled) return [];
  const client = await runningAgent(config);
  if (client) {
    const { attendance } = await client.get<Pick<Status, "attendance">>("/status");
    // A port that cannot be opened is one of the agent's warnings.
    return attendance.listening === null ? [] : [ok("devices", devicesText(attendance))];
  }
  try {
    Deno.listen({ hostname: host, port }).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return [fail(
      "devices",
      `another program uses port ${port}, the vendor's own software does this. Stop it, or set attendance.port. ` +
        showsWhoListens(port),
    )];
  }
  return [ok("devices", `${host}:${port} is free`)];
}

/** Polls the process list as the agent does, and stores nothing. */
async function checkProcessList(config: Config): Promise<Finding[]> {
  const agent = await openAgent(config, { dryRun: true });
  try {
    const started = performance.now();
    const heartbeat = await pollOnce(agent);
    const took = `${Math.round(performance.now() - started)} ms`;
    const warnings = agent.warnings.list().map(({ message }) => message);
    if (!heartbeat) return [fail("process list", warnings.join(" "))];
    const { is_playing, process_name } = heartbeat;
    return [
      ok(
        "process list",
        is_playing
          ? `sees ${process_name} (${took})`
          : `the game does not run (${took}). ${await adviceFor(config)}`,
      ),
      ...warnings.map((message) => warn("process list", message)),
    ];
  } finally {
    agent.close();
  }
}

/** Advice when the game does run but is not recognised. */
async function adviceFor(config: Config): Promise<string> {
  const nearly = (await runningProcesses(config.process_name)).filter(({ nearly }) => nearly);
  if (nearly.length === 0) return "If it does, clockblock processes shows its name";
  return `${nearly.map(({ image }) => image).join(", ")} would count by name, but has another ` +
    "window or command than the game: clockblock processes shows which";
}
