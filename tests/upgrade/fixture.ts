/**
 * What is kept of each released version: the database it made (`<version>.sql`) and what it answered about it
 * (`<version>.json`).
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { type Agent, openAgent } from "../../src/agent.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { asked } from "./life.ts";

const FOLDER = fileURLToPath(new URL("./fixtures/", import.meta.url));

export interface Expected {
  /** When the version's life ended. */
  ended_at: string;
  config: Readonly<Record<string, unknown>>;
  /** What the version answered. */
  answers: Readonly<Record<string, unknown>>;
  /** Ids of the rows that waited for the cloud, by stream. */
  waiting: Readonly<Record<"playtime" | "events" | "attendance", readonly string[]>>;
}

/** Everything that a user would miss. */
export const QUESTIONS = [
  "/days?from=2026-03-05&to=2026-03-08",
  "/days?from=2026-03-05&to=2026-03-08&tz=Asia/Kolkata",
  "/days?from=2026-03-05&to=2026-03-08&tz=America/St_Johns",
  "/slots?from=2026-03-06T00:00:00.000Z&to=2026-03-08T00:00:00.000Z",
  "/history?limit=5000",
  "/local/events?mode=paper&since_seq=0&limit=500",
  "/local/events?mode=live&since_seq=0&limit=500",
  "/local/state?mode=paper",
  "/devices",
  "/punches?limit=100",
  "/quarantine",
  "/records/projects?deleted=true",
  "/records/tasks",
  "/sync/rejected",
  "/sync/conflicts",
] as const;

/** The versions there are fixtures of. */
export function versions(): string[] {
  return [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
    .filter((name) => name.endsWith(".sql")).map((name) => name.slice(0, -4)).sort();
}

export function pathOf(version: string, kind: "sql" | "json"): string {
  return `${FOLDER}${version}.${kind}`;
}

export function readFixture(version: string): { sql: string; expected: Expected } {
  return {
    sql: Deno.readTextFileSync(pathOf(version, "sql")),
    expected: JSON.parse(Deno.readTextFileSync(pathOf(version, "json"))) as Expected,
  };
}

/** The agent of this version on a database in `dir`, at a standstill. */
export async function agentIn(
  dir: string,
  { config, at }: { config: Readonly<Record<string, unknown>>; at: string },
): Promise<Agent> {
  await Deno.writeTextFile(`${dir}/config.json`, JSON.stringify(config));
  return await openAgent(loadConfig({ cwd: dir }), {
    clock: new FakeClock(at),
    lister: () => Promise.resolve([]),
  });
}

/** Everything it answers. */
export async function answersOf(
  agent: Agent,
  questions: readonly string[] = QUESTIONS,
): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = {};
  for (const path of questions) answers[path] = await asked(agent, path);
  return answers;
}

/** The rows that wait, read from the tables. */
export function waitingIn(path: string): Expected["waiting"] {
  const db = new DatabaseSync(path, { readOnly: true });
  const ids = (sql: string) => db.prepare(sql).all().map(({ id }) => String(id));
  try {
    return {
      playtime: ids(
        "SELECT id FROM heartbeats WHERE synced_at IS NULL AND rejected_at IS NULL ORDER BY seq",
      ),
      events: ids(
        "SELECT id FROM local_events WHERE flushed = 0 AND rejected_at IS NULL ORDER BY mode, seq",
      ),
      attendance: ids(
        "SELECT id FROM device_logs WHERE synced_at IS NULL AND rejected_at IS NULL ORDER BY seq",
      ),
    };
  } finally {
    db.close();
  }
}
