/** `clockblock allow <minutes>`: more minutes for a day, or fewer. @module */
import { buildCommand, type Command } from "@stricli/core";
import type { AllowanceView, Grant } from "../../contract/allowance.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit.ts";
import { jsonFlag } from "../flags.ts";
import { withAgent } from "../session.ts";
import { minutesText } from "../terminal.ts";

interface AllowFlags {
  reason?: string;
  by?: string;
  date?: string;
  json: boolean;
}

const text = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: String, brief, placeholder, optional: true }) as const;

export const allow: Command<Context> = buildCommand<AllowFlags, [number], Context>({
  docs: {
    brief: "Grant more minutes of play for a day; negative ones take away",
    fullDescription:
      "Grants minutes for today or another day: clockblock allow 30 --reason rainy. clockblock allow -15 takes 15 away.",
  },
  parameters: {
    flags: {
      reason: text("Why", "text"),
      by: text("Who grants it", "name"),
      date: text("The day (default: today)", "day"),
      json: jsonFlag,
    },
    positional: {
      kind: "tuple",
      parameters: [{ parse: minutes, brief: "How many minutes more", placeholder: "minutes" }],
    },
  },
  async func({ reason, by, date, json }, extra_min) {
    const { stdout } = this.io;
    await withAgent(this, async (client) => {
      const grant = await client.post<Grant>("/allowance/grants", {
        extra_min,
        reason,
        made_by: by,
        date,
      });
      const day = await client.get<AllowanceView>("/allowance", { date: grant.date });
      stdout.write(json ? `${JSON.stringify(grant)}\n` : `${describeGrant(grant, day)}\n`);
    });
  },
});

/** `30 min more on 2026-11-21: 45 min left` */
export function describeGrant(
  { extra_min, date }: Pick<Grant, "extra_min" | "date">,
  { left_min, over_min, limited_by }: Pick<AllowanceView, "left_min" | "over_min" | "limited_by">,
): string {
  const granted = `${minutesText(Math.abs(extra_min))} ${
    extra_min > 0 ? "more" : "less"
  } on ${date}`;
  if (left_min === null) return `${granted}, which has no limit`;
  const rest = over_min > 0 ? `${minutesText(over_min)} over` : `${minutesText(left_min)} left`;
  return `${granted}: ${rest}${limited_by === "week" ? " this week" : ""}`;
}

function minutes(text: string): number {
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new UsageError(
    `Cannot grant "${text}": expected minutes such as 30, or -15 to take some away`,
  );
}
