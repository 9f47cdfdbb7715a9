/** `clockblock today`: how long it was played today, and what is left. @module */
import { buildCommand, type Command } from "@stricli/core";
import type { Context } from "../context.ts";
import { jsonFlag } from "../flags.ts";
import { withAgent } from "../session.ts";
import { painter } from "../terminal.ts";
import type { Status } from "../../contract/status.ts";
import { describeToday } from "./status.ts";

export const today: Command<Context> = buildCommand<{ json: boolean }, [], Context>({
  docs: { brief: "Show the minutes played today" },
  parameters: { flags: { json: jsonFlag } },
  async func({ json }) {
    const { stdout } = this.io;
    const { today } = await withAgent(this, (client) => client.get<Status>("/status"));
    stdout.write(
      json
        ? `${JSON.stringify(today)}\n`
        : `Played today: ${describeToday(today, painter(stdout))}\n`,
    );
  },
});
