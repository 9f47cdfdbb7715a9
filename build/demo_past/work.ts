/** What applications told the demo's agent on each day of its past: events, edits of records, grants. @module */
import { addDays, instantOf } from "../../src/core/mod.ts";
import { PAST_DAYS, type PastDay } from "./days.ts";
import { noise, pick } from "./noise.ts";

export const PROJECTS = [
  "Garden",
  "Attic",
  "Bicycle shed",
  "Family archive",
  "Summer trip",
] as const;

const CHORES = ["Measure", "Order material for", "Sketch", "Clean up", "Photograph"] as const;
const SYMBOLS = ["ABC", "XYZ", "QRS"] as const;
const HOUR_MS = 3_600_000;
/** Days from one step of a task to the next. */
const STEP_DAYS = 4;
const STEPS = ["open", "in progress", "done"] as const;

/** One request, and when it was made. */
export interface Deed {
  readonly at: number;
  readonly method: "POST" | "PUT" | "PATCH";
  readonly path: string;
  readonly body: unknown;
}

/** In the order of time. */
export function deedsOf(day: PastDay): Deed[] {
  return [...edits(day), ...grants(day), ...events(day)].sort((a, b) => a.at - b.at);
}

/** A trading day of a bot on paper. */
function events({ from, ago, isWeekend }: PastDay): Deed[] {
  if (isWeekend) return [];
  const base = { mode: "paper", source: "demo" };
  const told = Array.from({ length: 12 }, (_, index) => {
    const at = from + (9.5 + (index + noise(ago, index, 1)) * 0.55) * HOUR_MS;
    const symbol = pick(SYMBOLS, ago, index, 2);
    const price = (90 + 20 * noise(ago, index, 3)).toFixed(2);
    const chance = noise(ago, index, 4);
    const [type, subtype, severity, body] = chance < 0.5
      ? ["order", "QUOTE", "debug", `price ${price}`]
      : chance < 0.66
      ? ["order", "BUY_FILLED", "success", `bought 10 ${symbol} at ${price}`]
      : chance < 0.82
      ? ["order", "SELL_FILLED", "success", `sold 10 ${symbol} at ${price}`]
      : chance < 0.94
      ? ["data", "LATE_TICK", "warning", `no tick for ${(chance * 5).toFixed(1)} s`]
      : ["order", "REJECTED", "error", "the exchange refused: insufficient balance"];
    return { at, event: { ...base, ts: instantOf(at), type, subtype, severity, symbol, body } };
  });
  return [{
    at: from + 17 * HOUR_MS,
    method: "POST",
    path: "/local/events",
    body: told.map(({ event }) => event),
  }];
}

/** Projects in the first days, a task every third day, each brought on every few days. */
function edits({ from, ago, date }: PastDay): Deed[] {
  const age = PAST_DAYS - ago;
  const at = (hour: number) => from + hour * HOUR_MS;
  const deeds: Deed[] = [];
  const name = PROJECTS[age];
  if (name !== undefined) {
    deeds.push({
      at: at(18),
      method: "PUT",
      path: `/records/projects/p${age}`,
      body: { name, status: "planned" },
    });
  }
  for (const [step, status] of STEPS.entries()) {
    const begun = age - step * STEP_DAYS;
    if (begun < 6 || begun % 3 !== 0) continue;
    const project = begun / 3 % PROJECTS.length;
    const task = `/records/tasks/t${begun}`;
    deeds.push(
      step === 0
        ? {
          at: at(19),
          method: "PUT",
          path: task,
          body: {
            project_id: `p${project}`,
            title: `${pick(CHORES, begun, 1)} the ${PROJECTS[project]!.toLowerCase()}`,
            status,
            data: { due: addDays(date, 2 * STEP_DAYS) },
          },
        }
        : { at: at(19.5 + step / 10), method: "PATCH", path: task, body: { status } },
    );
    if (status === "done") {
      deeds.push({
        at: at(20.5),
        method: "PUT",
        path: `/records/results/r${begun}`,
        body: { task_id: `t${begun}`, status: "accepted", data: { hours: 1 + begun % 4 } },
      });
    }
  }
  return deeds;
}

/** Now and then a quarter of an hour more. */
function grants({ from, ago }: PastDay): Deed[] {
  if (noise(ago, 9) > 0.12) return [];
  const [made_by, reason] = pick([["Mum", "rainy day"], ["Dad", "homework is done"]], ago, 10);
  return [{
    at: from + 16 * HOUR_MS,
    method: "POST",
    path: "/allowance/grants",
    body: { extra_min: 15, made_by, reason },
  }];
}
