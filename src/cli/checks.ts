/**
 * What `doctor` looks at. A check that throws has failed, with its error's words; the others go on.
 * @module
 */
import { dirname, join } from "node:path";
import { migrations, openAgent, runningProcesses, signIn } from "../agent.ts";
import { type Config, forbiddenHost } from "../config/mod.ts";
import {
  type Clock,
  dayAt,
  daysBetween,
  DivertedError,
  flavour,
  localTimeZone,
  outbound,
  systemClock,
  version,
  type Warning,
} from "../core/mod.ts";
import {
  type BackupFile,
  damagedFiles,
  findDamage,
  isWritableFile,
  listBackups,
  noteSuspicion,
  refuseForeignFile,
} from "../store/mod.ts";
import { tokenPathOf } from "./client.ts";
import { messageOf } from "./exit.ts";
import { devicesText, type Status } from "./commands/status.ts";
import { portTaken, showsWhoListens } from "./neighbour.ts";
import { pollOnce } from "./poll_once.ts";
import { runningAgent } from "./session.ts";
import { bytes, duration } from "./terminal.ts";

export interface Finding {
  name: string;
  state: "ok" | "warn" | "fail";
  /** What was found, and what to do about it. */
  detail: string;
}

type Check = (config: Config, clock: Clock) => Finding[] | Promise<Finding[]>;

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

/** Looks at one thing after the other. */
export async function* runChecks(
  config: Config,
  { clock = systemClock }: { clock?: Clock } = {},
): AsyncGenerator<Finding> {
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      yield* await check(config, clock);
    } catch (error) {
      yield { name, state: "fail", detail: messageOf(error) };
    }
  }
}

function ok(name: string, detail: string): Finding {
  return { name, state: "ok", detail };
}

function warn(name: string, detail: string): Finding {
  return { name, state: "warn", detail };
}

function fail(name: string, detail: string): Finding {
  return { name, state: "fail", detail };
}

/**
 * The permissions that every installation needs; what the configuration adds was checked when it was read. Whether
 * the process list may be asked for is seen by asking for it.
 */
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
    return [fail("folder", `${folder} cannot be written: ${messageOf(error)}. Mend its access`)];
  }
  return [ok("folder", `${folder} can be written`), ...checkToken(db_path)];
}

function checkToken(dbPath: string): Finding[] {
  const path = tokenPathOf(dbPath);
  const mode = statOf(path)?.mode ?? 0;
  // Windows has no modes.
  if (Deno.build.os === "windows" || (mode & 0o077) === 0) return [];
  return [warn("token", `${path} can be read by others. Start the agent anew: it mends that`)];
}

async function checkAgent(config: Config): Promise<Finding[]> {
  const client = await runningAgent(config);
  if (client) {
    const { warnings } = await client.get<{ warnings: Warning[] }>("/status");
    return [
      ok("agent", `runs: ${client.url}`),
      ...warnings.map(({ message }) => warn("warning", message)),
    ];
  }
  const notRunning = warn("agent", "does not run. Start it with clockblock run");
  const taken = await portTaken(config);
  if (taken) return [notRunning, fail("port", taken)];
  return [notRunning, ok("port", `${config.api_host}:${config.api_port} is free`)];
}

/** Whether attendance devices can call, where that is wanted. */
async function checkDevices(config: Config): Promise<Finding[]> {
  const { enabled, host, port } = config.attendance;
  if (!enabled) return [];
  const client = await runningAgent(config);
  if (client) {
    const { attendance } = await client.get<Pick<Status, "attendance">>("/status");
    // That it cannot listen is one of its warnings.
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

const OLD_BACKUP_DAYS = 3;

function checkDatabase({ db_path }: Config, clock: Clock): Finding[] {
  const size = statOf(db_path)?.size;
  if (size === undefined) return [warn("database", `${db_path} is not there yet`)];
  // Both throw, saying why, when it is none of ours or cannot be written: reading it would not tell.
  refuseForeignFile(db_path);
  isWritableFile(db_path);
  const started = performance.now();
  const damage = findDamage(db_path, { migrations, thoroughly: true });
  if (damage !== undefined) {
    // Opening alone may not show it: the next start is told to look.
    noteSuspicion(db_path, damage);
    return [
      fail(
        "database",
        `damaged: ${damage}. Start the agent anew: it restores the newest backup and what can still be read`,
      ),
      checkBackups(db_path, clock),
      ...checkDamaged(db_path),
    ];
  }
  const took = duration(performance.now() - started);
  return [
    ok("database", `${db_path}, ${bytes(size)}, sound (looked at all of it in ${took})`),
    checkBackups(db_path, clock),
    ...checkDamaged(db_path),
  ];
}

/** What the agent has put aside: as large as the database, and of no use once nothing is missed. */
function checkDamaged(dbPath: string): Finding[] {
  const files = damagedFiles(dbPath);
  if (files.length === 0) return [];
  const size = files.flatMap((file) => [file, `${file}-wal`])
    .reduce((sum, file) => sum + (statOf(file)?.size ?? 0), 0);
  return [warn(
    "damaged",
    `${files.length === 1 ? "one damaged database is" : `${files.length} damaged databases are`} ` +
      `kept (${bytes(size)}, the newest ${files[0]}). Delete what you do not miss anything of`,
  )];
}

/** The agent makes one a day; after some days without, something is in its way. */
function checkBackups(dbPath: string, clock: Clock): Finding {
  let newest: BackupFile | undefined;
  try {
    newest = listBackups(dbPath)[0];
  } catch (error) {
    return fail("backups", `cannot be read: ${messageOf(error)}. Mend the access to the folder`);
  }
  if (!newest) return ok("backups", "none yet: the agent makes one a day");
  const days = daysBetween(newest.day, dayAt(clock.now()));
  const text = `the newest is of ${newest.day}`;
  return days > OLD_BACKUP_DAYS
    ? warn("backups", `${text}. The agent makes one a day while it runs: its log says what failed`)
    : ok("backups", text);
}

/** Looks for the game as the agent does, and keeps nothing. */
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

/** For whom the game runs all the same. */
async function adviceFor(config: Config): Promise<string> {
  const nearly = (await runningProcesses(config.process_name)).filter(({ nearly }) => nearly);
  return nearly.length === 0
    ? "If it does, clockblock processes shows its name"
    : `${
      nearly.map(({ image }) => image).join(", ")
    } would count by name, but has another window ` +
      "or command than the game: clockblock processes shows which";
}

/** Who the rows are sent for: what the disk says, so that no server is asked. */
async function checkAccount(config: Config): Promise<Finding[]> {
  const account = await signIn(config);
  if (!account) return [];
  const email = await account.whoIsSignedIn();
  if (email !== null) return [ok("account", `signed in as ${email}`)];
  const { supabase } = config;
  if (supabase.email === null) {
    return [ok("account", "nobody is signed in: supabase.key is used alone")];
  }
  return supabase.password === null
    ? [fail("account", "nobody is signed in. Run clockblock login")]
    : [ok("account", `nobody is signed in yet: the agent signs in as ${supabase.email}`)];
}

/** More than this and "last write wins" would let the wrong one win without being corrected. */
const CLOCK_WARN_MS = 60_000;

async function checkClouds(config: Config, clock: Clock): Promise<Finding[]> {
  const { attendance, device_token, endpoint_url, events, supabase } = config;
  const named = {
    endpoint_url,
    "events.endpoint_url": events.endpoint_url,
    "events.health_url": events.health_url,
    "attendance.endpoint_url": attendance.endpoint_url,
    "supabase.url": supabase.url,
  };
  // Each address once, by the first key that names it.
  const keys = new Map<string, string>();
  for (const [key, url] of Object.entries(named)) {
    if (url !== null && !keys.has(url)) keys.set(url, key);
  }
  if (keys.size === 0) return [ok("cloud", "none configured: everything stays on this machine")];
  const findings: Finding[] = [];
  for (const [url, key] of keys) {
    const forbidden = forbiddenHost(key, url);
    if (forbidden) {
      findings.push(fail("cloud", `${forbidden.message}: ${forbidden.advice}`));
      continue;
    }
    findings.push(...await checkCloud(url, { clock, timeoutMs: config.timeout_sec * 1000 }));
    const token = url === attendance.endpoint_url
      ? attendance.device_token ?? device_token
      : device_token;
    if (url !== supabase.url && token !== null && isUnprotected(url)) {
      findings.push(
        warn("cloud", `${url} is plain http: others can read the device_token. Use https`),
      );
    }
  }
  return findings;
}

async function checkCloud(
  url: string,
  { clock, timeoutMs }: { clock: Clock; timeoutMs: number },
): Promise<Finding[]> {
  const { host } = new URL(url);
  const started = clock.monotonic();
  let response: Response;
  try {
    response = await outbound()(url, { method: "HEAD", signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    if (error instanceof DivertedError) {
      const { message, verdict } = error;
      const advice = verdict.advice ?? "sign in to this network";
      return [fail("cloud", `${host} does not answer itself: ${message}; ${advice}`)];
    }
    return [
      fail(
        "cloud",
        `${host} cannot be reached: ${messageOf(error)}. Check the address and the network`,
      ),
    ];
  }
  const tookMs = clock.monotonic() - started;
  const found = [ok("cloud", `${host} answers (${Math.round(tookMs)} ms)`)];
  const date = Date.parse(response.headers.get("date") ?? "");
  if (Number.isNaN(date)) return found;
  // The header has whole seconds: half of one is the best guess.
  const offsetMs = date + 500 - (clock.now() - tookMs / 2);
  const text = `this clock is ${duration(Math.abs(offsetMs))} ${
    offsetMs > 0 ? "behind" : "ahead of"
  } ${host}`;
  return Math.abs(offsetMs) > CLOCK_WARN_MS
    ? [...found, warn("clock", `${text}. Set it, or let the system do it`)]
    : [...found, ok("clock", text)];
}

function isUnprotected(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
