/**
 * What is kept of each released version: the database it made (`<version>.sql`) and what it answered about it
 * (`<version>.json`).
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { type Agent, openAgent } from "../../src/agent.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { asked } from "./asked.ts";

const FOLDER = fileURLToPath(new URL("./fixtures/", import.meta.url));

export interface Expected {
  /** When the version's life ended. */
  ended_at: string;
  config: Readonly<Record<string, unknown>>;
  /** What the version answered. */
  answers: Readonly<Record<string, unknown>>;
  /** Ids of the rows that waited for the cloud, by stream. */
  waiting: Readonly<Record<"playtime" | "events" | "attendance", readonly string[]>>;
  /** Rows that no question is about, by table and key. */
  unasked: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Everything that a user would miss. */
export const QUESTIONS = [
  "/daily?date=2026-03-06",
  "/days?from=2026-03-05&to=2026-03-08",
  "/days?from=2026-03-05&to=2026-03-08&tz=Asia/Kolkata",
  "/days?from=2026-03-05&to=2026-03-08&tz=America/St_Johns",
  "/slots?from=2026-03-06T00:00:00.000Z&to=2026-03-08T00:00:00.000Z",
  "/history?limit=5000",
  "/allowance?date=2026-03-06",
  "/games?from=2026-03-05&to=2026-03-08&tz=Asia/Kolkata",
  "/local/events?mode=paper&since_seq=0&limit=500",
  "/local/events?mode=live&since_seq=0&limit=500",
  "/local/state?mode=paper",
  "/local/state?mode=live",
  "/devices",
  "/devices/DEV1/commands",
  "/punches?limit=100",
  "/punches/corrections",
  "/people",
  "/quarantine",
  "/records/projects?deleted=true",
  "/records/tasks",
  "/sync/status",
  "/sync/rejected",
  "/sync/conflicts",
] as const;

/**
 * The question whose answer tells of each table, or the key of its rows where no answer does: all of what the version at
 * hand keeps.
 */
export const TABLES: Readonly<Record<string, (typeof QUESTIONS)[number] | { key: string }>> = {
  heartbeats: "/history?limit=5000",
  daily_rollups: "/daily?date=2026-03-06",
  usage_slots: "/days?from=2026-03-05&to=2026-03-08&tz=Asia/Kolkata",
  game_slots: "/games?from=2026-03-05&to=2026-03-08&tz=Asia/Kolkata",
  allowance_grants: "/allowance?date=2026-03-06",
  local_events: "/local/events?mode=paper&since_seq=0&limit=500",
  local_flush_log: "/local/state?mode=paper",
  local_state_snapshots: "/local/state?mode=paper",
  devices: "/devices",
  device_logs: "/punches?limit=100",
  device_quarantine: "/quarantine",
  device_commands: "/devices/DEV1/commands",
  punch_corrections: "/punches/corrections",
  people: "/people",
  person_aliases: "/people",
  records: "/records/projects?deleted=true",
  sync_queue: "/sync/status",
  sync_rejected: "/sync/rejected",
  sync_conflicts: "/sync/conflicts",
  unseen_conflicts: "/sync/conflicts",
  // How far each device says it has sent: without it the device sends everything again.
  device_stamps: { key: "device_sn || ' ' || table_name" },
  device_events: { key: "id" },
  // Whose directions are to be decided again.
  direction_queue: { key: "person_id" },
  // Without them a device that repeats a name would be heard once more.
  device_names: { key: "person_id || ' ' || device_sn" },
  // How far the cloud's records were read.
  sync_cursors: { key: "table_name" },
  meta: { key: "key" },
  migrations: { key: "name" },
};

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

/** The rows of those tables that no question is about. */
export function unaskedIn(path: string): Expected["unasked"] {
  const db = new DatabaseSync(path, { readOnly: true });
  const rowsOf = (table: string, key: string) =>
    db.prepare(`SELECT ${key} AS "the key", * FROM ${table}`).all().map((
      { "the key": key, ...row },
    ) => [String(key), row]);
  try {
    return Object.fromEntries(
      Object.entries(TABLES).flatMap(([table, told]) =>
        typeof told === "string" ? [] : [[table, Object.fromEntries(rowsOf(table, told.key))]]
      ),
    );
  } finally {
    db.close();
  }
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
