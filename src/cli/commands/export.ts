/** `clockblock export`: heartbeats, days or games as CSV or JSON, page by page. @module */
import type { Command } from "@stricli/core";
import {
  addDays,
  type Day,
  dayAt,
  dayBounds,
  instantOf,
  localTimeZone,
  systemClock,
} from "../../core/mod.ts";
import type { AgentClient } from "../client.ts";
import type { Context } from "../context.ts";
import { checkDays, dayFlag, formatFlag } from "../flags.ts";
import { type ExportRow, writeRows } from "../rows.ts";
import { agentCommand } from "./agent_command.ts";

interface Flags {
  format: "csv" | "json";
  what: keyof typeof COLUMNS;
  from?: Day;
  to?: Day;
}

const COLUMNS = {
  heartbeats: [
    "id",
    "device_id",
    "timestamp_utc",
    "is_playing",
    "poll_interval_sec",
    "process_name",
    "synced_at",
  ],
  days: [
    "date_utc",
    "time_zone",
    "device_id",
    "minutes_used",
    "minutes_overdraft",
    "allowance_min",
    "last_heartbeat_at",
    "updated_at",
  ],
  games: ["date", "label", "process_name", "minutes_used"],
} as const;

/** The API's limits of one answer. */
const PAGE_ROWS = 5_000;
const PAGE_DAYS = 366;

export const exportCommand: Command<Context> = agentCommand<Flags>({
  brief: "Print heartbeats, days or games as CSV or JSON",
  flags: {
    format: formatFlag,
    what: {
      kind: "enum",
      values: ["heartbeats", "days", "games"],
      brief: "What to print: heartbeats newest first, days or each day's games oldest first",
      default: "heartbeats",
    },
    from: dayFlag("The first day (default: the first there is)"),
    to: dayFlag("The last day (default: today)"),
  },
  check: checkDays,
  async run({ client, context, stdout }, { format, what, from, to }) {
    const timeZone = context.config().time_zone ?? localTimeZone();
    const pages = { heartbeats, days, games }[what](client, { from, to, timeZone });
    await writeRows(stdout, pages, { format, columns: COLUMNS[what] });
  },
});

interface Range {
  from: Day | undefined;
  to: Day | undefined;
  timeZone: string;
}

async function* heartbeats(
  client: AgentClient,
  { from, to, timeZone }: Range,
): AsyncGenerator<ExportRow[]> {
  const first = from === undefined ? "" : instantOf(dayBounds(from, timeZone).from);
  const end = to === undefined ? undefined : instantOf(dayBounds(to, timeZone).to);
  const at = (row: ExportRow) => String(row["timestamp_utc"]);
  for await (const rows of client.pages<ExportRow>("/history", { limit: PAGE_ROWS })) {
    yield rows.filter((row) => at(row) >= first && (end === undefined || at(row) < end));
    // Rows come in the order of arrival: where a clock was set back, a page has both older and newer ones.
    if (rows.every((row) => at(row) < first)) return;
  }
}

async function* days(client: AgentClient, range: Range): AsyncGenerator<ExportRow[]> {
  let begun = range.from !== undefined;
  for await (const page of byDay(client, "/days", range)) {
    const first = begun ? 0 : page.findIndex(hasData);
    begun ||= first >= 0;
    if (begun) yield page.slice(first);
  }
}

function games(client: AgentClient, range: Range): AsyncGenerator<ExportRow[]> {
  return byDay(client, "/games", range);
}

/** The answers of a route over a range of days; by default up to today. */
async function* byDay(
  client: AgentClient,
  path: string,
  { from, to, timeZone }: Range,
): AsyncGenerator<ExportRow[]> {
  const last = to ?? dayAt(systemClock.now(), timeZone);
  let next = from ?? await firstDay(client, timeZone);
  while (next !== null && next <= last) {
    const end = addDays(next, PAGE_DAYS - 1);
    yield await client.get<ExportRow[]>(path, {
      from: next,
      to: end < last ? end : last,
      tz: timeZone,
    });
    next = addDays(end, 1);
  }
}

/** The zone's day in which the first UTC day with data begins; the data may begin a day later. */
async function firstDay(client: AgentClient, timeZone: string): Promise<Day | null> {
  const { first_day } = await client.get<{ first_day: Day | null }>("/status");
  return first_day === null ? null : dayAt(dayBounds(first_day).from, timeZone);
}

function hasData({ minutes_used, last_heartbeat_at }: ExportRow): boolean {
  return Number(minutes_used) > 0 || last_heartbeat_at !== null;
}
