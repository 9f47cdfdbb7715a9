/** Where the operating system has its own programs. @module */

/**
 * The paths of a system program, the most likely first. Searched by name it could be another one that the PATH of
 * whoever starts the agent has in front, or none at all. Windows has no fixed place: there it is the name.
 */
export function programPaths(name: string, os: typeof Deno.build.os = Deno.build.os): string[] {
  return os === "windows" ? [name] : [`/usr/bin/${name}`, `/bin/${name}`];
}
