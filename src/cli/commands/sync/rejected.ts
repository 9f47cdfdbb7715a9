/** `clockblock rejected list|retry|discard`: rows the cloud will not have, and what becomes of them. @module */
import { buildCommand, buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import type { Id, Instant, StreamName } from "../../../core/mod.ts";
import type { AgentClient } from "../../client.ts";
import type { Context } from "../../context.ts";
import { UsageError } from "../../exit.ts";
import { jsonFlag, streamFlag } from "../../flags.ts";
import { withAgent } from "../../session.ts";
import { columns, painter } from "../../terminal.ts";

interface RejectedRow {
  stream: StreamName;
  table: string;
  id: Id;
  status: number | null;
  code: string | null;
  message: string;
  attempts: number;
  last_at: Instant;
}

const PAGE_ROWS = 1_000;

const list: Command<Context> = buildCommand<{ json: boolean; stream?: string }, [], Context>({
  docs: { brief: "Show rejected rows and why, newest first" },
  parameters: { flags: { json: jsonFlag, stream: streamFlag } },
  async func({ json, stream }) {
    const { stdout } = this.io;
    const paint = painter(stdout);
    await withAgent(this, async (client) => {
      let rows = 0;
      for await (const page of pages(client, stream)) {
        rows += page.length;
        stdout.write(
          json
            ? page.map((row) => `${JSON.stringify(row)}\n`).join("")
            : columns(page.map((row) => [
              row.id,
              row.table,
              paint("dim", row.last_at),
              paint("red", [row.status, row.code].filter((part) => part !== null).join(" ")),
              row.message,
            ])),
        );
      }
      if (rows === 0 && !json) stdout.write("No row is rejected\n");
    });
  },
});

interface DecideFlags {
  all: boolean;
  stream?: string;
}

/** `retry` and `discard` differ in a word. */
function decide(
  action: "retry" | "discard",
  { brief, done }: { brief: string; done: string },
): Command<Context> {
  return buildCommand<DecideFlags, Id[], Context>({
    docs: { brief },
    parameters: {
      flags: {
        all: { kind: "boolean", brief: "Every rejected row", default: false, withNegated: false },
        stream: streamFlag,
      },
      positional: {
        kind: "array",
        parameter: {
          parse: String,
          brief: "Which rows, as rejected list shows them",
          placeholder: "id",
        },
      },
    },
    async func({ all, stream }, ...ids) {
      if (all === ids.length > 0) {
        throw new UsageError(`Cannot ${action}: name the rows' ids, or --all`);
      }
      await withAgent(this, async (client) => {
        const bodies = all
          ? [{ all, ...(stream === undefined ? {} : { stream }) }]
          : await byStream(client, ids, stream);
        let decided = 0;
        for (const body of bodies) {
          const answer = await client.post<Record<string, number>>(
            `/sync/rejected/${action}`,
            body,
          );
          decided += Object.values(answer)[0] ?? 0;
        }
        this.io.stdout.write(`${decided} ${decided === 1 ? "row" : "rows"} ${done}\n`);
      });
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
  const found = new Map<string, Id[]>();
  for await (const page of pages(client, stream)) {
    for (const row of page) {
      if (wanted.delete(row.id)) found.set(row.stream, [...found.get(row.stream) ?? [], row.id]);
    }
    if (wanted.size === 0) break;
  }
  const [unknown] = wanted;
  if (unknown !== undefined) {
    throw new UsageError(`No rejected row has the id ${unknown}. See clockblock rejected list`);
  }
  return [...found].map(([stream, ids]) => ({ stream, ids }));
}

async function* pages(
  client: AgentClient,
  stream: string | undefined,
): AsyncGenerator<RejectedRow[]> {
  const query = stream === undefined ? "" : `&stream=${encodeURIComponent(stream)}`;
  let path: string | null = `/sync/rejected?limit=${PAGE_ROWS}${query}`;
  while (path !== null) {
    const page: { rows: RejectedRow[]; next: string | null } = await client.page(path);
    yield page.rows;
    path = page.next;
  }
}

export const rejected: RouteMap<Context> = buildRouteMap<"list" | "retry" | "discard", Context>({
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
