/** `clockblock allow <minutes>`: more minutes for a day, or fewer. @module */
import type { Command } from "@stricli/core";
import type { AllowanceView, Grant } from "../../contract/allowance.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit.ts";
import { argument, jsonFlag, textFlag } from "../flags.ts";
import { durationOfMinutes } from "../terminal.ts";
import { agentCommand } from "./agent_command.ts";

interface AllowFlags {
  reason?: string;
  by?: string;
  date?: string;
  json: boolean;
}

export const allowCommand: Command<Context> = agentCommand<AllowFlags, [number]>({
  brief: "Grant more minutes of play for a day; negative ones take away",
  fullDescription:
    "Grants minutes for today or another day: clockblock allow 30 --reason rainy. clockblock allow -15 takes 15 away.",
  flags: {
    reason: textFlag("Why", "text"),
    by: textFlag("Who grants it", "name"),
    date: textFlag("The day (default: today)", "day"),
    json: jsonFlag,
  },
  positional: {
    kind: "tuple",
    parameters: [{ ...argument("How many minutes more", "minutes"), parse: minutes }],
  },
  async run({ client, stdout }, { by: made_by, json, ...rest }, extra_min) {
    const wanted = { ...rest, made_by, extra_min };
    const grant = await client.post<Grant>("/allowance/grants", wanted);
    const day = await client.get<AllowanceView>("/allowance", { date: grant.date });
    stdout.write(`${json ? JSON.stringify(grant) : describeGrant(grant, day)}\n`);
  },
});

/** `30 min more on 2026-11-21: 45 min left` */
function describeGrant(
  { extra_min, date }: Pick<Grant, "extra_min" | "date">,
  { left_min, over_min, limited_by }: Pick<AllowanceView, "left_min" | "over_min" | "limited_by">,
): string {
  const granted = `${durationOfMinutes(Math.abs(extra_min))} ${
    extra_min > 0 ? "more" : "less"
  } on ${date}`;
  if (left_min === null) return `${granted}, which has no limit`;
  const rest = over_min > 0
    ? `${durationOfMinutes(over_min)} over`
    : `${durationOfMinutes(left_min)} left`;
  return `${granted}: ${rest}${limited_by === "week" ? " this week" : ""}`;
}

function minutes(text: string): number {
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new UsageError(
    `Cannot grant "${text}": expected minutes such as 30, or -15 to take some away`,
  );
}
