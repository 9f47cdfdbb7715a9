/** What runs here. The version stands in `deno.json` and nowhere else. @module */
import project from "../../deno.json" with { type: "json" };

export const version: string = project.version;

/** What `deno task start` runs, for who wants the same without the task. */
export const startCommand: string = project.tasks.start.command;

/** The oldest Deno that the tests were run on. */
const OLDEST_DENO = "2.7.11";

/**
 * Refuses an untested runtime: a difference in its behaviour could lose data.
 * @throws {Error} naming the version that is needed
 */
export function requireRuntime(deno: string = Deno.version.deno): void {
  if (deno.localeCompare(OLDEST_DENO, "en", { numeric: true }) >= 0) return;
  throw new Error(`Cannot run on Deno ${deno}: ClockBlock needs ${OLDEST_DENO} or newer`);
}

/** Which release this is, by its permissions: `anyhost` may talk to any host, the other to those fixed in its build. */
export function flavour(): "clockblock" | "clockblock-anyhost" {
  const { state } = Deno.permissions.querySync({ name: "net" });
  return state === "granted" ? "clockblock-anyhost" : "clockblock";
}
