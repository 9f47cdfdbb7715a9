/** The process list of the operating system the agent runs on. @module */
import type { Matcher } from "./matchers.ts";
import type { ProcessLister } from "./process.ts";
import { ps } from "./ps.ts";
import { tasklist, tasklistWithTitles } from "./tasklist.ts";

export type { Process, ProcessLister } from "./process.ts";

/** The lister of this operating system; it asks for no more than the matchers need. */
export function systemLister(matchers: readonly Matcher[]): ProcessLister {
  return Deno.build.os === "windows" ? tasklist(matchers) : ps(matchers);
}

/** Everything that runs, with all that this operating system tells of it. */
export function fullLister(): ProcessLister {
  return Deno.build.os === "windows" ? tasklistWithTitles() : ps([{ image: "*" }]);
}
