/** `clockblock rejected list|retry|discard`: rows that the cloud refused, and what becomes of them. @module */
import { buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import type { RejectedRow } from "../../../contract/sync.ts";
import type { Id } from "../../../core/mod.ts";
import type { AgentClient } from "../../client.ts";
import type { Context } from "../../context.ts";
import { UsageError } from "../../exit.ts";
import { argument, jsonFlag, streamFlag, switchFlag } from "../../flags.ts";
import { writeList } from "../../rows.ts";
import { agentCommand } from "../agent_command.ts";

const PAGE_ROWS = 1_000;

const list = agentCommand<{ json: boolean; stream?: string }>({
  brief: "Show rejected rows and why, newest first",
  flags: { json: jsonFlag, stream: streamFlag },
  run: (asked, { json, stream }) =>
    writeList(asked.stdout, pages(asked.client, stream), {
      json,
      row: ({ id, table, last_at, status, code, message }) => [
        id,
        table,
        asked.paint("dim", last_at),
        asked.paint("red", [status, code].filter((part) => part !== null).join(" ")),
        message,
      ],
      none: "No row is rejected",
    }),
});

/** `retry` and `discard` differ in a word. */
function decide(
  action: "retry" | "discard",
  { brief, done }: { brief: string; done: string },
): Command<Context> {
  return agentCommand<{ all: boolean; stream?: string }, Id[]>({
    brief,
    flags: { all: switchFlag("Every rejected row"), stream: streamFlag },
    positional: {
      kind: "array",
      parameter: argument("Which rows, as rejected list shows them", "id"),
    },
    check({ all }, ...ids) {
      if (all === ids.length > 0) {
        throw new UsageError(`Cannot ${action}: name the rows' ids, or --all`);
      }
    },
    async run({ client, stdout }, { all, stream }, ...ids) {
      const bodies = all ? [{ all, stream }] : await byStream(client, ids, stream);
      let decided = 0;
      for (const body of bodies) {
        const path = `/sync/rejected/${action}`;
        const answer = await client.post<Record<string, number>>(path, body);
        decided += Object.values(answer)[0] ?? 0;
      }
      stdout.write(`${decided} ${decided === 1 ? "row" : "rows"} ${done}\n`);
    },
  });
}

/** Finds out which streams the rows belong to. */
async function byStream(
  client: AgentClient,
  ids: readonly Id[],
  stream: string | undefined,
): Promise<{ stream: string; ids: Id[] }[]> {
  const wanted = new Set(ids);
  const found: RejectedRow[] = [];
  for await (const page of pages(client, stream)) {
    found.push(...page.filter(({ id }) => wanted.delete(id)));
    if (wanted.size === 0) break;
  }
  const [unknown] = wanted;
  if (unknown !== undefined) {
    throw new UsageError(`No rejected row has the id ${unknown}. See clockblock rejected list`);
  }
  return [...Map.groupBy(found, (row) => row.stream)]
    .map(([stream, rows]) => ({ stream, ids: rows.map(({ id }) => id) }));
}

function pages(client: AgentClient, stream: string | undefined): AsyncIterable<RejectedRow[]> {
  return client.pages("/sync/rejected", { limit: PAGE_ROWS, stream });
}

export const rejectedCommand: RouteMap<Context> = buildRouteMap({
  routes: {
    list,
    retry: decide("retry", {
      brief: "Send rejected rows again, once their cause is corrected",
      done: "will be tried again",
    }),
    discard: decide("discard", {
      brief: "Give rejected rows up: they stay on this machine and are never sent",
      done: "given up",
    }),
  },
  docs: { brief: "Rows the cloud will not have: list them, try again, give up" },
});
