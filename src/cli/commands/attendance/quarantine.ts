/** `clockblock quarantine list|retry`: what devices sent and could not be parsed. @module */
import { buildCommand, buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import type { Instant } from "../../../core/mod.ts";
import type { Context } from "../../context.ts";
import { UsageError } from "../../exit.ts";
import { jsonFlag } from "../../flags.ts";
import { withAgent } from "../../session.ts";
import { columns, harmless, painter } from "../../terminal.ts";

interface Entry {
  id: number;
  device_sn: string;
  protocol: string;
  reason: string;
  raw: string;
  file: string | null;
  received_at: Instant;
}

const PAGE_ENTRIES = 200;
/** Characters of what was sent; `--json` has all of it. */
const MAX_SHOWN = 80;

const list: Command<Context> = buildCommand<{ json: boolean }, [], Context>({
  docs: { brief: "Show what devices sent and could not be parsed, newest first" },
  parameters: { flags: { json: jsonFlag } },
  async func({ json }) {
    const { stdout } = this.io;
    const paint = painter(stdout);
    await withAgent(this, async (client) => {
      let entries = 0;
      let path: string | null = `/quarantine?limit=${PAGE_ENTRIES}`;
      while (path !== null) {
        const page: { rows: Entry[]; next: string | null } = await client.page(path);
        entries += page.rows.length;
        path = page.next;
        stdout.write(
          json
            ? page.rows.map((entry) => `${JSON.stringify(entry)}\n`).join("")
            : columns(page.rows.map((entry) => [
              String(entry.id),
              paint("dim", entry.received_at),
              `${entry.device_sn} ${entry.protocol}`,
              paint("yellow", harmless(entry.reason)),
              shown(entry),
            ])),
        );
      }
      if (entries === 0 && !json) stdout.write("Everything was understood\n");
    });
  },
});

function shown({ raw, file }: Entry): string {
  const line = harmless(raw.replaceAll(/\s+/g, " "));
  const short = line.length <= MAX_SHOWN ? line : `${line.slice(0, MAX_SHOWN)}…`;
  return file === null ? short : `${short} (quarantine/${file})`;
}

const retry: Command<Context> = buildCommand<{ all: boolean }, number[], Context>({
  docs: { brief: "Read entries again, after an update or a device's approval" },
  parameters: {
    flags: { all: { kind: "boolean", brief: "Every entry", default: false, withNegated: false } },
    positional: {
      kind: "array",
      parameter: {
        parse: entryId,
        brief: "Which entries, as quarantine list shows them",
        placeholder: "id",
      },
    },
  },
  async func({ all }, ...ids) {
    if (all === ids.length > 0) {
      throw new UsageError("Cannot retry: name the entries' ids, or --all");
    }
    await withAgent(this, async (client) => {
      const { understood, left } = await client.post<{ understood: number; left: number }>(
        "/quarantine/retry",
        all ? { all } : { ids },
      );
      this.io.stdout.write(
        `${understood} ${understood === 1 ? "is" : "are"} understood now, ${left} still not\n`,
      );
    });
  },
});

function entryId(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new UsageError(`"${text}" is no entry's id`);
  return Number(text);
}

export const quarantine: RouteMap<Context> = buildRouteMap<"list" | "retry", Context>({
  routes: { list, retry },
  docs: { brief: "What devices sent and could not be parsed: list it, parse it again" },
});
