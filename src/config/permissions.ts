/**
 * What a configuration needs beyond what every installation needs, held against what this process may do: better a line
 * at the start than a failed request an hour later.
 * @module
 */
import { dirname } from "node:path";
import { ConfigError } from "./config_error.ts";
import type { Config } from "./schema.ts";

/** Something the configuration makes the agent do. */
interface Need {
  /** The key that asks for it. */
  key: string;
  permission: "connect" | "listen" | "files";
  /** `example.com:443`, or a folder. */
  target: string;
}

export interface PermissionOptions {
  /** Whether this process may do it. */
  granted?: (descriptor: Deno.PermissionDescriptor) => boolean;
  /** Whether this is the executable, whose permissions are built in. */
  standalone?: boolean;
}

/**
 * Makes sure that the agent may do what it is told.
 * @throws {ConfigError} a line for everything that it may not do, and how to get it
 */
export function checkPermissions(config: Config, options: PermissionOptions = {}): void {
  const { granted = isGranted, standalone = Deno.build.standalone } = options;
  const problems = needs(config)
    .filter((need) => !descriptors(need).every(granted))
    .map((need) => explain(need, standalone));
  if (problems.length > 0) throw new ConfigError(problems);
}

function needs(config: Config): Need[] {
  const { attendance, events, supabase } = config;
  const urls: [key: string, url: string | null][] = [
    ["endpoint_url", config.endpoint_url],
    ["supabase.url", supabase.url],
    ["events.endpoint_url", events.endpoint_url],
    ["events.health_url", events.health_url],
    ["attendance.endpoint_url", attendance.endpoint_url],
  ];
  return [
    { key: "db_path", permission: "files", target: dirname(config.db_path) },
    { key: "api_host", permission: "listen", target: hostPort(config.api_host, config.api_port) },
    ...(attendance.enabled
      ? [{
        key: "attendance.host",
        permission: "listen" as const,
        target: hostPort(attendance.host, attendance.port),
      }]
      : []),
    ...urls.flatMap(([key, url]) =>
      url === null ? [] : [{ key, permission: "connect" as const, target: target(url) }]
    ),
  ];
}

function target(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === "http:" ? 80 : 443)}`;
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
  const state = permission === "connect" ? `may not connect to ${target}` : `may not use ${target}`;
  const remedy = standalone
    ? `Download clockblock-anyhost, or build your own with deno task build --allow-host ${target}`
    : `Add "${target}" to permissions.agent.net in deno.json`;
  return `Cannot use ${key}: this ClockBlock ${state}. ${remedy}`;
}
