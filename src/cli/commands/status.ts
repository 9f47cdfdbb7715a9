/** `clockblock status`: the state of the agent, for people or scripts. @module */
import type { Command } from "@stricli/core";
import { type Instant, msOf, systemClock } from "../../core/mod.ts";
import type { TodayView } from "../../contract/playtime.ts";
import type { Status } from "../../contract/status.ts";
import type { LaneStatus } from "../../contract/sync.ts";
import type { Context } from "../context.ts";
import { jsonFlag } from "../flags.ts";
import { jsonText } from "../rows.ts";
import {
  ago,
  type Color,
  columns,
  count,
  durationOf,
  durationOfMinutes,
  harmless,
  type Painter,
  sizeText,
} from "../terminal.ts";
import { agentCommand } from "./agent_command.ts";

export const statusCommand: Command<Context> = agentCommand<{ json: boolean }>({
  brief: "Show what goes on: playing or not, today, sync, warnings",
  flags: { json: jsonFlag },
  async run({ client: { url, get }, stdout, paint }, { json }) {
    const found = await get<Status>("/status");
    stdout.write(
      json
        ? jsonText({ running: url !== null, url, ...found })
        : describe(found, { url, paint, now: systemClock.now() }),
    );
  },
});

interface DescribeOptions {
  url: string | null;
  paint: Painter;
  now: number;
}

export function describe(status: Status, { url, paint, now }: DescribeOptions): string {
  const head = url === null
    ? `${paint("bold", `ClockBlock ${status.version}`)} is ${paint("yellow", "not running")}\n`
    : `${paint("bold", `ClockBlock ${status.version}`)} is ${
      paint("green", "running")
    }: ${url}, since ${durationOf(status.uptime_sec * 1000)}\n`;
  const facts = [
    ["Playing", url === null ? lastSeen(status, now) : playing(status, now)],
    ["Today", describeToday(status.today, paint)],
    ["Cloud", cloud(status, { running: url !== null, paint })],
    ...(status.attendance.enabled ? [["Devices", devicesText(status.attendance)]] : []),
    ["Database", sizeText(status.database.bytes + status.database.wal_bytes)],
  ];
  const lanes = (status.sync?.lanes ?? []).filter(({ state, rows_waiting }) =>
    state !== "disabled" || rows_waiting > 0
  );
  const warnings = status.warnings.map(({ message }) =>
    `${paint("yellow", "Warning")}  ${harmless(message)}\n`
  );
  return [
    head,
    columns(facts),
    lanes.length > 0 && status.online !== null ? `\n${describeLanes(lanes, { paint, now })}` : "",
    warnings.length > 0 ? `\n${warnings.join("")}` : "",
  ].join("");
}

/** `2 online, 1 pending, listening at 192.168.1.20:5001` */
export function devicesText({ devices, listening, addresses }: Status["attendance"]): string {
  const counts = Object.entries(devices).filter(([, some]) => some > 0)
    .map(([state, some]) => `${count(some)} ${state}`);
  return [
    ...(counts.length > 0 ? counts : ["none yet"]),
    listening === null ? "not listening" : `listening at ${addresses.join(" or ") || listening}`,
  ].join(", ");
}

/** `1 h 05 min of 1 h 00 min, 5 min over`; `5 min of 1 h 30 min (30 min granted), 1 h 25 min left`; `5 min, no limit` */
export function describeToday(
  { minutes_used, allowance_min, granted_min, week }: Pick<
    TodayView,
    "minutes_used" | "allowance_min" | "granted_min" | "week"
  >,
  paint: Painter,
): string {
  const day = limitText(minutes_used, { allowance_min, granted_min, when: " today" }, paint);
  if (week.allowance_min === null) return day;
  return `${day}; this week ${limitText(week.used_min, { ...week, when: "" }, paint)}`;
}

function limitText(
  used_min: number,
  { allowance_min, granted_min, when }: {
    allowance_min: number | null;
    granted_min: number;
    when: string;
  },
  paint: Painter,
): string {
  const used = durationOfMinutes(used_min);
  if (allowance_min === null) return `${used}, no limit`;
  const left = allowance_min + granted_min - used_min;
  const over = paint("red", `${durationOfMinutes(Math.max(0, -left))} over`);
  if (allowance_min + granted_min <= 0) return `${used_min > 0 ? over : used}, no play${when}`;
  const granted = granted_min === 0
    ? ""
    : granted_min > 0
    ? ` (${durationOfMinutes(granted_min)} granted)`
    : ` (${durationOfMinutes(-granted_min)} taken)`;
  const rest = left >= 0 ? paint("green", `${durationOfMinutes(left)} left`) : over;
  return `${used} of ${durationOfMinutes(allowance_min + granted_min)}${granted}, ${rest}`;
}

const STATE_COLORS: Readonly<Record<LaneStatus["state"], Color>> = {
  disabled: "dim",
  disconnected: "yellow",
  connecting: "yellow",
  connected: "green",
  syncing: "blue",
  failed: "red",
};

/** A line for each lane. */
export function describeLanes(
  lanes: readonly LaneStatus[],
  { paint, now }: { paint: Painter; now: number },
): string {
  return columns(lanes.map((lane) => [
    lane.stream,
    paint(STATE_COLORS[lane.state], lane.state),
    `${count(lane.rows_waiting)} waiting`,
    lane.rows_rejected > 0 ? paint("red", `${count(lane.rows_rejected)} rejected`) : "",
    lane.last_success_at ? `sent ${ago(lane.last_success_at, now)}` : "",
    lane.reading ? howFar(lane.reading) : "",
    lane.last_error ? trouble(lane.last_error, lane.next_attempt_at, now) : "",
  ]));
}

/** `reading projects: 12,000 of 40,000 (table 1 of 3)` */
function howFar(reading: NonNullable<LaneStatus["reading"]>): string {
  const { table, rows, total, tables_done, tables } = reading;
  const of = total === null ? "" : ` of ${count(total)}`;
  return `reading ${table}: ${count(rows)}${of} (table ${tables_done + 1} of ${tables})`;
}

function trouble(
  { message, advice }: NonNullable<LaneStatus["last_error"]>,
  nextAttemptAt: Instant | null,
  now: number,
): string {
  if (advice) return `${message}; ${advice}`;
  const waitMs = nextAttemptAt ? msOf(nextAttemptAt) - now : 0;
  return waitMs > 0 ? `${message}; again in ${durationOf(waitMs)}` : message;
}

function playing({ is_playing, playing_since, process_name }: Status, now: number): string {
  if (is_playing === null) return "not known yet";
  if (!is_playing) return "no";
  const since = playing_since ? `, for ${durationOf(now - msOf(playing_since))}` : "";
  return `${process_name ?? "yes"}${since}`;
}

function lastSeen({ last_seen }: Status, now: number): string {
  return last_seen ? `last looked ${ago(last_seen, now)}` : "never looked";
}

function cloud(
  { online, sync }: Status,
  { running, paint }: { running: boolean; paint: Painter },
): string {
  if (online === null) return paint("dim", "none configured");
  if (!running) return "configured";
  const reached = online ? paint("green", "online") : paint("yellow", "offline");
  return !sync?.signed_in_as ? reached : `${reached}, signed in as ${sync.signed_in_as}`;
}
