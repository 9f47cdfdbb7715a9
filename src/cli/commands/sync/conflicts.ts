/** `clockblock sync conflicts`: records that both sides had changed, and which of them won. @module */
import { buildCommand, type Command } from "@stricli/core";
import type { Instant } from "../../../core/mod.ts";
import type { Context } from "../../context.ts";
import { jsonFlag } from "../../flags.ts";
import { withAgent } from "../../session.ts";
import { columns, painter } from "../../terminal.ts";

interface Conflict {
  at: Instant;
  table: string;
  record_id: string;
  kind: string;
  winner: "local" | "remote";
  local_updated_at: Instant;
  remote_updated_at: Instant;
}

const PAGE_ROWS = 1_000;

export const conflicts: Command<Context> = buildCommand<{ json: boolean }, [], Context>({
  docs: {
    brief: "Show records that both sides had changed, newest first",
    fullDescription:
      "Shows when it was noticed, which record, what was done here and in the cloud, and whose version stayed. " +
      "Both versions are shown with --json, and in logs/conflicts.log.",
  },
  parameters: { flags: { json: jsonFlag } },
  async func({ json }) {
    const { stdout } = this.io;
    const paint = painter(stdout);
    await withAgent(this, async (client) => {
      let rows = 0;
      let path: string | null = `/sync/conflicts?limit=${PAGE_ROWS}`;
      while (path !== null) {
        const page: { rows: Conflict[]; next: string | null } = await client.page(path);
        rows += page.rows.length;
        stdout.write(
          json
            ? page.rows.map((row) => `${JSON.stringify(row)}\n`).join("")
            : columns(page.rows.map(({ at, table, record_id, kind, winner }) => [
              paint("dim", at),
              `${table} ${record_id}`,
              kind,
              winner === "local" ? "this machine's stayed" : "the cloud's stayed",
            ])),
        );
        path = page.next;
      }
      if (rows === 0 && !json) stdout.write("No conflicts\n");
    });
  },
});
