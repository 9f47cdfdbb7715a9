/** What one check of `doctor` found. @module */

export interface Finding {
  name: string;
  state: "ok" | "warn" | "fail";
  /** What was found, and what to do about it. */
  detail: string;
}

export function ok(name: string, detail: string): Finding {
  return { name, state: "ok", detail };
}

export function warn(name: string, detail: string): Finding {
  return { name, state: "warn", detail };
}

export function fail(name: string, detail: string): Finding {
  return { name, state: "fail", detail };
}
