/** The command line's door. @module */
import { version } from "../core/mod.ts";

/** Runs one command; resolves with the exit code. */
export function main(_args: readonly string[]): Promise<number> {
  return Promise.reject(new Error(`ClockBlock ${version} has no commands yet`));
}
