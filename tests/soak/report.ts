/** What a soak has to say in the end. @module */
import { DatabaseSync } from "node:sqlite";
import { print } from "../bench/print.ts";
import type { Rule } from "./growth.ts";
import type { GameLoad } from "./load/life.ts";
import type { Verdict } from "./oracle.ts";
import type { Plan } from "./plan.ts";
import { type LifeRecord, type Stall, STALL_MS } from "./watch.ts";

/** How often a kind of fault was in force, and how many connections or requests met it. */
export interface FaultCount {
  times: number;
  met: number;
}

export interface Outcome {
  plan: Plan;
  faults: ReadonlyMap<string, FaultCount>;
  /** What was asked of the server where redirects lead. */
  diverted: readonly string[];
  lives: readonly LifeRecord[];
  verdicts: readonly Verdict[];
  rules: readonly Rule[];
  troubles: readonly string[];
  /** Answers of the agent that were no success. */
  refusals: ReadonlyMap<string, number>;
  drainedMs: number;
  game: GameLoad;
  database: string;
}

/** Prints it; false when anything is not as it has to be. */
export function printReport(outcome: Outcome): boolean {
  const { plan, lives, verdicts, troubles, refusals, drainedMs } = outcome;
  const killed = plan.lives.filter(({ end }) => end === "SIGKILL").length;
  const starts = lives.map(({ startMs }) => startMs).toSorted((a, b) => a - b);
  print(
    `\n${plan.lives.length} lives: ${killed} killed, ${plan.lives.length - killed} asked to end. ` +
      `A start took ${ms(starts[starts.length >> 1])}, at most ${ms(starts.at(-1))}. ` +
      `In the end all was in the cloud after ${ms(drainedMs)}.\n`,
  );
  table(["fault", "times", "met by"], [
    ...[...outcome.faults].sort().map(([name, { times, met }]) => [name, `${times}`, `${met}`]),
    ["step of the clock", String(plan.clock.length), "all"],
  ]);
  table(["stream", "acknowledged", "in the cloud", "came again", "verdict"], [
    ...verdicts.map(({ stream, acknowledged, inCloud, again, faults }) => [
      stream,
      String(acknowledged),
      String(inCloud),
      again === null ? "-" : String(again),
      faults.length === 0 ? "all there, once, as sent, in order" : "WRONG",
    ]),
  ]);
  const rules = [
    ...outcome.rules,
    ...stallRules(lives),
    playedRule(outcome),
    divertedRule(outcome),
    clockRule(outcome),
  ];
  table(["measured", "value", "limit", "verdict"], [
    ...rules.map(({ what, value, limit, met }) => [what, value, limit, met ? "ok" : "EXCEEDED"]),
  ]);
  for (const [refusal, count] of refusals) print(`refused ${count} × ${refusal}`);
  const wrong = [
    ...verdicts.flatMap(({ stream, faults }) => faults.map((fault) => `${stream}: ${fault}`)),
    ...troubles,
    ...lives.flatMap(({ stalls }) => stalls.filter(isOwn).map(describeStall)),
    ...rules.filter(({ met }) => !met).map(({ what, value }) => `${what}: ${value}`),
  ];
  for (const each of wrong) print(`WRONG  ${each}`);
  print(wrong.length === 0 ? "\nNothing was lost, changed or held up." : "\nThe soak has failed.");
  return wrong.length === 0;
}

/** Whether what remains of a stall without what the machine did is too long. */
function isOwn({ ms, machineMs }: Stall): boolean {
  return ms - machineMs > STALL_MS;
}

export function stallRules(
  lives: readonly Pick<LifeRecord, "stalls" | "longestMs" | "timers">[],
): Rule[] {
  const stalls = lives.flatMap((life) => life.stalls);
  const own = stalls.filter(isOwn);
  const machine = stalls.length - own.length;
  const longest = Math.max(0, ...lives.map(({ longestMs }) => longestMs));
  const timers = lives.reduce((sum, life) => sum + life.timers, 0);
  return [
    {
      what: `event loop held for more than ${STALL_MS} ms (${timers} timers)`,
      value: String(own.length),
      limit: "0",
      met: own.length === 0,
    },
    {
      what: "… by the machine, busy with others",
      value: String(machine),
      limit: "for information",
      met: true,
    },
    { what: "the latest timer", value: ms(longest), limit: "for information", met: true },
  ];
}

/** No more play is counted than there was, but for an interval for each start and end. */
export function playedRule(
  { database, game, plan }: {
    database: string;
    game: Pick<GameLoad, "playedMs" | "changes">;
    plan: Pick<Plan, "lives">;
  },
): Rule {
  const db = new DatabaseSync(database, { readOnly: true });
  const row = db.prepare("SELECT sum(minutes_used) AS minutes FROM daily_rollups").get();
  db.close();
  const countedSec = Math.round(Number(row?.minutes) * 60);
  const mostSec = Math.round(game.playedMs / 1_000) + game.changes + plan.lives.length;
  return {
    what: `play counted, of ${Math.round(game.playedMs / 1_000)} s`,
    value: `${countedSec} s`,
    limit: `${mostSec} s`,
    met: countedSec > 0 && countedSec <= mostSec,
  };
}

/** No redirect to another origin may be followed: neither a token nor a row may arrive there. */
export function divertedRule({ diverted }: Pick<Outcome, "diverted">): Rule {
  const [first] = diverted;
  return {
    what: "requests where redirects to another origin lead",
    value: first === undefined ? "0" : `${diverted.length}: ${first}`,
    limit: "0",
    met: diverted.length === 0,
  };
}

/** That the steps of the clock came to be: heartbeats carry the days that it showed. */
export function clockRule(
  { database, plan }: { database: string; plan: Pick<Plan, "clock"> },
): Rule {
  const db = new DatabaseSync(database, { readOnly: true });
  const row = db.prepare(
    "SELECT count(DISTINCT substr(timestamp_utc, 1, 10)) AS days FROM heartbeats",
  )
    .get();
  db.close();
  const days = Number(row?.days);
  const isSet = plan.clock.some(({ offsetSec }) => offsetSec !== 0);
  return {
    what: "days in the stamps of heartbeats",
    value: String(days),
    limit: isSet ? "more than 1" : "for information",
    met: !isSet || days > 1,
  };
}

function describeStall({ life, ageMs, ms: late, machineMs }: Stall): string {
  return `life ${life}, ${ms(ageMs)} old: held for ${ms(late)} (the machine: ${ms(machineMs)})`;
}

function ms(value: number | undefined): string {
  return `${Math.round(value ?? 0)} ms`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length))
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  print([
    line(head),
    `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`,
    ...rows.map(line),
    "",
  ].join("\n"));
}
