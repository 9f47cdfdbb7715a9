/** What one part of the agent logs, for tests that read it. @module */
import { configureSync, type LogRecord, resetSync } from "@logtape/logtape";

/** The properties of what a part logs from now on; disposal ends it. */
export function logged(room: string): { readonly entries: Record<string, unknown>[] } & Disposable {
  const entries: Record<string, unknown>[] = [];
  configureSync({
    reset: true,
    sinks: { entries: ({ properties }: LogRecord) => void entries.push(properties) },
    loggers: [
      { category: ["clockblock", room], sinks: ["entries"] },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  return { entries, [Symbol.dispose]: resetSync };
}
