/** Where the operating system has its own programs. @module */

/**
 * The paths of a system program, the most likely first. A search by name could find another program that comes first
 * in the user's PATH, or none. Windows has no fixed place: there it is the name.
 */
export function programPaths(name: string, os: typeof Deno.build.os = Deno.build.os): string[] {
  return os === "windows" ? [name] : [`/usr/bin/${name}`, `/bin/${name}`];
}
