/** The process list of this operating system. @module */
import type { Matcher } from "./matchers.ts";
import type { ProcessLister } from "./process.ts";
import { ps } from "./ps.ts";
import { tasklist, tasklistWithTitles } from "./tasklist.ts";

export type { Process, ProcessLister } from "./process.ts";

/** Lists what the matchers need. */
export function systemLister(matchers: readonly Matcher[]): ProcessLister {
  return Deno.build.os === "windows" ? tasklist(matchers) : ps(matchers);
}

/** Lists every process with all details. */
export function fullLister(): ProcessLister {
  return Deno.build.os === "windows" ? tasklistWithTitles() : ps([{ image: "*" }]);
}
