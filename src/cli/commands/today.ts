/** `clockblock today`: how long it was played today, and what is left. @module */
import type { Command } from "@stricli/core";
import type { Status } from "../../contract/status.ts";
import type { Context } from "../context.ts";
import { jsonFlag } from "../flags.ts";
import { jsonLines } from "../rows.ts";
import { agentCommand } from "./agent_command.ts";
import { describeToday } from "./status.ts";

export const todayCommand: Command<Context> = agentCommand<{ json: boolean }>({
  brief: "Show the minutes played today",
  flags: { json: jsonFlag },
  async run({ client, stdout, paint }, { json }) {
    const { today } = await client.get<Status>("/status");
    stdout.write(json ? jsonLines([today]) : `Played today: ${describeToday(today, paint)}\n`);
  },
});
