/**
 * The log as the agent's parts see it. Where lines go is decided by the command line, once.
 * Messages are templates (`"{count} rows pushed"`), so that the same line reads well as text and as JSON.
 * @module
 */
import { getLogger, type Logger } from "@logtape/logtape";

export type { Logger };

/** The logger of one part of the agent, named after its room: `logger("sync")`. */
export function logger(room: string): Logger {
  return getLogger(["clockblock", room]);
}
