/** `clockblock recompute`: recomputes days and slots from the raw heartbeats. @module */
import { buildCommand, type Command } from "@stricli/core";
import type { Context } from "../context.ts";
import { withAgent } from "../session.ts";

interface Result {
  days: number;
  changed: number;
  incomplete: number;
}

export const recompute: Command<Context> = buildCommand<Record<never, never>, [], Context>({
  docs: { brief: "Recompute days from the raw heartbeats that are still kept" },
  parameters: {},
  async func() {
    const { days, changed, incomplete } = await withAgent(
      this,
      (client) => client.post<Result>("/recompute"),
    );
    this.io.stdout.write(
      `${days} ${days === 1 ? "day" : "days"} recomputed, ${changed} changed` +
        (incomplete > 0 ? `; ${incomplete} left alone, whose heartbeats are partly deleted` : "") +
        "\n",
    );
  },
});
