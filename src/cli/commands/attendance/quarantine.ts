/** `clockblock quarantine list|retry`: what devices sent and could not be parsed. @module */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import type { QuarantineEntry, Retried } from "../../../contract/attendance.ts";
import type { Context } from "../../context.ts";
import { UsageError } from "../../exit.ts";
import { argument, jsonFlag, switchFlag } from "../../flags.ts";
import { writeList } from "../../rows.ts";
import { harmless } from "../../terminal.ts";
import { agentCommand } from "../agent_command.ts";

const PAGE_ENTRIES = 200;
/** Characters of what was sent; `--json` has all of it. */
const MAX_SHOWN = 80;

const list = agentCommand<{ json: boolean }>({
  brief: "Show what devices sent and could not be parsed, newest first",
  flags: { json: jsonFlag },
  run: (asked, { json }) =>
    writeList(
      asked.stdout,
      asked.client.pages<QuarantineEntry>("/quarantine", { limit: PAGE_ENTRIES }),
      {
        json,
        row: (entry) => [
          String(entry.id),
          asked.paint("dim", entry.received_at),
          `${entry.device_sn} ${entry.protocol}`,
          asked.paint("yellow", harmless(entry.reason)),
          shown(entry),
        ],
        none: "Everything was understood",
      },
    ),
});

function shown({ raw, file }: QuarantineEntry): string {
  const line = harmless(raw.replaceAll(/\s+/g, " "));
  const short = line.length <= MAX_SHOWN ? line : `${line.slice(0, MAX_SHOWN)}…`;
  return file === null ? short : `${short} (quarantine/${file})`;
}

const retry = agentCommand<{ all: boolean }, number[]>({
  brief: "Read entries again, after an update or a device's approval",
  flags: { all: switchFlag("Every entry") },
  positional: {
    kind: "array",
    parameter: {
      ...argument("Which entries, as quarantine list shows them", "id"),
      parse: entryId,
    },
  },
  check({ all }, ...ids) {
    if (all === ids.length > 0) {
      throw new UsageError("Cannot retry: name the entries' ids, or --all");
    }
  },
  async run({ client, stdout }, { all }, ...ids) {
    const body = all ? { all } : { ids };
    const { understood, left } = await client.post<Retried>("/quarantine/retry", body);
    const verb = understood === 1 ? "is" : "are";
    stdout.write(`${understood} ${verb} understood now, ${left} still not\n`);
  },
});

function entryId(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new UsageError(`"${text}" is no entry's id`);
  return Number(text);
}

export const quarantineCommand: RouteMap<Context> = buildRouteMap({
  routes: { list, retry },
  docs: { brief: "What devices sent and could not be parsed: list it, parse it again" },
});
