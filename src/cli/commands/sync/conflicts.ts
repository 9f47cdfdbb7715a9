/** `clockblock sync conflicts`: records that both sides had changed, and which of them won. @module */
import type { Command } from "@stricli/core";
import type { Conflict } from "../../../contract/records.ts";
import type { Context } from "../../context.ts";
import { jsonFlag } from "../../flags.ts";
import { writeList } from "../../rows.ts";
import { agentCommand } from "../agent_command.ts";

const PAGE_ROWS = 1_000;

export const conflictsCommand: Command<Context> = agentCommand<{ json: boolean }>({
  brief: "Show records that both sides had changed, newest first",
  fullDescription:
    "Shows when it was noticed, which record, what was done here and in the cloud, and whose version stayed. " +
    "Both versions are shown with --json, and in logs/conflicts.log.",
  flags: { json: jsonFlag },
  run: (asked, { json }) =>
    writeList(asked.stdout, asked.client.pages<Conflict>("/sync/conflicts", { limit: PAGE_ROWS }), {
      json,
      row: ({ at, table, record_id, kind, winner }) => [
        asked.paint("dim", at),
        `${table} ${record_id}`,
        kind,
        winner === "local" ? "this machine's stayed" : "the cloud's stayed",
      ],
      none: "No conflicts",
    }),
});
