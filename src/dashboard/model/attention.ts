/** Which panels have something that a person should look at. @module */
import type { Known } from "../source/source.ts";
import { syncHealth } from "./health.ts";

export type Attention = "warn" | "bad";

/** The panel where the cause of a warning can be corrected; undefined for one that has none. */
export function panelOfWarning(code: string): string | undefined {
  return /^(sync|attendance|records)\b/.exec(code)?.[1] ??
    (/reject/.test(code) ? "sync" : undefined);
}

/** By panel: refused rows and stopped lanes, devices to approve and what they sent in vain, conflicts, warnings. */
export function attention(
  { sync, warnings, attendance, records }: Pick<Known, "sync" | "warnings"> & Partial<Known>,
): ReadonlyMap<string, Attention> {
  const panels = new Map<string, Attention>();
  for (const { code } of warnings) {
    const panel = panelOfWarning(code);
    if (panel !== undefined) panels.set(panel, "warn");
  }
  if ((attendance?.devices.pending ?? 0) > 0) panels.set("attendance", "warn");
  if ((records?.conflicts_unseen ?? 0) > 0) panels.set("records", "warn");
  const { tone } = syncHealth(sync);
  if (tone === "warn" || tone === "bad") panels.set("sync", tone);
  return panels;
}
