/**
 * A configuration held against what this process may do: better a line at the start about what is missing than a failed
 * request an hour later. What it does not need is given up.
 * @module
 */
import { dirname } from "node:path";
import { programPaths } from "../core/mod.ts";
import { ConfigError } from "./config_error.ts";
import type { Config } from "./schema.ts";

/** Something that the agent cannot do without. */
interface Need {
  /** The key that asks for it. */
  key: string;
  permission: "listen" | "files";
  /** `127.0.0.1:3841`, or a folder. */
  target: string;
}

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
 * Checks that the agent has the permissions to read, write and listen as configured. A host that it may not connect to is no reason
 * not to record: see `forbiddenHost`.
 * @throws {ConfigError} a line for everything that it may not do, and how to get it
 */
export function checkPermissions(config: Config, options: PermissionOptions = {}): void {
  const { granted = isGranted, standalone = Deno.build.standalone } = options;
  const problems = needs(config)
    .filter((need) => !descriptors(need).every(granted))
    .map((need) => explain(need, standalone));
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

function needs({ attendance, api_host, api_port, db_path }: Config): Need[] {
  return [
    { key: "db_path", permission: "files", target: dirname(db_path) },
    { key: "api_host", permission: "listen", target: hostPort(api_host, api_port) },
    ...(attendance.enabled
      ? [{
        key: "attendance.host",
        permission: "listen" as const,
        target: hostPort(attendance.host, attendance.port),
      }]
      : []),
  ];
}

function hostPort(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function descriptors({ permission, target }: Need): Deno.PermissionDescriptor[] {
  return permission === "files"
    ? [{ name: "read", path: target }, { name: "write", path: target }]
    : [{ name: "net", host: target }];
}

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}

function explain({ key, permission, target }: Need, standalone: boolean): string {
  if (permission === "files") {
    return `Cannot use ${key}: this ClockBlock may not read and write in "${target}". ` +
      "Name a file inside the folder it is started in, or start it in that folder";
  }
  return `Cannot use ${key}: this ClockBlock may not use ${target}. ${remedy(target, standalone)}`;
}

function remedy(host: string, standalone: boolean): string {
  return standalone
    ? `Download clockblock-anyhost, or build your own with deno task build --allow-host ${host}`
    : `Add "${host}" to permissions.agent.net in deno.json`;
}
