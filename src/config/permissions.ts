/**
 * A configuration held against what this process may do: better a line at the start about what is missing than a failed
 * request an hour later. What it does not need is given up.
 * @module
 */
import { dirname } from "node:path";
import { programPaths } from "../core/mod.ts";
import { ConfigError } from "./config_error.ts";
import type { Config } from "./schema.ts";

export interface PermissionOptions {
  /** Whether this process may do it. */
  granted?: (descriptor: Deno.PermissionDescriptor) => boolean;
  /** Whether this is the executable, whose permissions are built in. */
  standalone?: boolean;
}

/** A host that the configuration names and this process may not connect to. */
export interface ForbiddenHost {
  /** `Cannot use endpoint_url: this ClockBlock may not connect to example.com` */
  message: string;
  /** What a person can do about it. */
  advice: string;
}

/**
 * Checks that the agent may read, write and listen as configured. A host that it may not connect to is no reason not
 * to record: see `forbiddenHost`.
 * @throws {ConfigError} a line for everything that it may not do, and how to get it
 */
export function checkPermissions(config: Config, options: PermissionOptions = {}): void {
  const { granted = isGranted, standalone = Deno.build.standalone } = options;
  const { attendance, api_host, api_port, db_path } = config;
  const problems: string[] = [];
  const path = dirname(db_path);
  if (!granted({ name: "read", path }) || !granted({ name: "write", path })) {
    problems.push(
      `Cannot use db_path: this ClockBlock may not read and write in "${path}". ` +
        "Name a file inside the folder it is started in, or start it in that folder",
    );
  }
  const requireListen = (key: string, name: string, port: number) => {
    const host = `${name.includes(":") ? `[${name}]` : name}:${port}`;
    if (granted({ name: "net", host })) return;
    const state = `this ClockBlock may not use ${host}`;
    problems.push(`Cannot use ${key}: ${state}. ${remedy(host, standalone)}`);
  };
  requireListen("api_host", api_host, api_port);
  if (attendance.enabled) requireListen("attendance.host", attendance.host, attendance.port);
  if (problems.length > 0) throw new ConfigError(problems);
}

/** Why this process may not connect to the address that a key names; undefined when it may. */
export function forbiddenHost(
  key: string,
  url: string,
  { granted = isGranted, standalone = Deno.build.standalone }: PermissionOptions = {},
): ForbiddenHost | undefined {
  const { hostname, port, protocol } = new URL(url);
  const host = `${hostname}:${port || (protocol === "http:" ? 80 : 443)}`;
  if (granted({ name: "net", host })) return undefined;
  const advice = remedy(host, standalone);
  return {
    message: `Cannot use ${key}: this ClockBlock may not connect to ${hostname}`,
    advice: `${advice[0]!.toLowerCase()}${advice.slice(1)}`,
  };
}

/** What shows notifications on the desktop. */
const DESKTOP: readonly Deno.PermissionDescriptor[] = [
  ...["notify-send", ...programPaths("notify-send")]
    .map((command) => ({ name: "run", command } as const)),
  { name: "env", variable: "DBUS_SESSION_BUS_ADDRESS" },
  { name: "env", variable: "XDG_RUNTIME_DIR" },
];

/** Gives up, until the process ends, what this configuration has no use for. */
export function giveUpUnused({ desktop_notifications }: Config): void {
  if (desktop_notifications) return;
  for (const descriptor of DESKTOP) Deno.permissions.revokeSync(descriptor);
}

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}

function remedy(host: string, standalone: boolean): string {
  return standalone
    ? `Download clockblock-anyhost, or build your own with deno task build --allow-host ${host}`
    : `Add "${host}" to permissions.agent.net in deno.json`;
}
