/** `clockblock recompute`: recomputes days and slots from the raw heartbeats. @module */
import type { Command } from "@stricli/core";
import type { RecomputeResult } from "../../contract/playtime.ts";
import type { Context } from "../context.ts";
import { agentCommand } from "./agent_command.ts";

export const recomputeCommand: Command<Context> = agentCommand({
  brief: "Recompute days from the raw heartbeats that are still kept",
  async run({ client, stdout }) {
    const { days, changed, incomplete } = await client.post<RecomputeResult>("/recompute");
    stdout.write(
      `${days} ${days === 1 ? "day" : "days"} recomputed, ${changed} changed` +
        (incomplete > 0 ? `; ${incomplete} left alone, whose heartbeats are partly deleted` : "") +
        "\n",
    );
  },
});
