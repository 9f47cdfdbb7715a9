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

/** The two releases: the second may talk to any host, the first to those that were fixed when it was built. */
export type Flavour = "clockblock" | "clockblock-anyhost";

/** Which of the two flavours this is, by the permissions of the runtime. */
export function flavour(): Flavour {
  const { state } = Deno.permissions.querySync({ name: "net" });
  return state === "granted" ? "clockblock-anyhost" : "clockblock";
}
