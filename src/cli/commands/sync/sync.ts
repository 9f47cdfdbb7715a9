/** `clockblock sync now|status|conflicts|reset`: the way to the cloud. @module */
import { buildCommand, buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import { type Clock, systemClock } from "../../../core/mod.ts";
import type { LaneStatus, SyncStatus } from "../../../contract/sync.ts";
import type { AgentClient } from "../../client.ts";
import type { Context } from "../../context.ts";
import { EXIT, UsageError } from "../../exit.ts";
import type { Io } from "../../io.ts";
import { jsonFlag, streamFlag } from "../../flags.ts";
import { Progress } from "../../progress.ts";
import { withAgent } from "../../session.ts";
import { count, harmless, painter } from "../../terminal.ts";
import { conflicts } from "./conflicts.ts";
import { describeLanes } from "../status.ts";

interface StreamFlags {
  stream?: string;
}

/** How often the progress is asked for. */
const LOOK_MS = 200;

const now: Command<Context> = buildCommand<StreamFlags, [], Context>({
  docs: { brief: "Send what waits, at once, and show how far it is" },
  parameters: { flags: { stream: streamFlag } },
  async func({ stream }) {
    await withAgent(this, async (client) => {
      const before = lanesOf(await client.get<SyncStatus>("/sync/status"), stream);
      const progress = new Progress(this.io.stderr, { unit: "rows" });
      const after = lanesOf(await drain(client, { stream, progress, before }), stream);
      progress.end();
      const sent = pushed(after) - pushed(before);
      const failed = after.filter(({ last_error }) => last_error !== null);
      this.io.stdout.write(
        `${count(sent)} rows sent, ${count(waitingFor(after))} waiting\n` +
          failed.map((lane) => `${lane.stream}: ${harmless(lane.last_error!.message)}\n`).join(""),
      );
      if (failed.length > 0) this.process.exitCode = EXIT.failed;
    }, { sync: true });
  },
});

interface DrainOptions {
  stream: string | undefined;
  progress: Progress;
  before: readonly LaneStatus[];
  clock?: Clock;
}

/** Rows on their way to a cloud: those of a stream that has none stay, and are no part of what is to be done. */
function waitingFor(lanes: readonly LaneStatus[]): number {
  return lanes.filter(({ state }) => state !== "disabled")
    .reduce((sum, { rows_waiting }) => sum + rows_waiting, 0);
}

/** Asks the agent to sync and waits until it is done. */
async function drain(client: AgentClient, options: DrainOptions): Promise<SyncStatus> {
  const { stream, progress, before, clock = systemClock } = options;
  const show = (sync: SyncStatus) => {
    const lanes = lanesOf(sync, stream);
    const sent = pushed(lanes) - pushed(before);
    progress.update(sent, sent + waitingFor(lanes));
  };
  const ended = new AbortController();
  const looking = (async () => {
    while (!ended.signal.aborted) {
      await clock.wait(LOOK_MS, { signal: ended.signal });
      if (!ended.signal.aborted) show(await client.get<SyncStatus>("/sync/status"));
    }
  })();
  // Its error is the command's too, which ends by it.
  looking.catch(() => {});
  try {
    const query = stream === undefined ? "" : `?stream=${encodeURIComponent(stream)}`;
    for (;;) {
      const { done, sync } = await client.post<{ done: boolean; sync: SyncStatus }>(
        `/sync/now${query}`,
      );
      show(sync);
      if (done) return sync;
    }
  } finally {
    ended.abort();
    await looking.catch(() => {});
  }
}

const status: Command<Context> = buildCommand<{ json: boolean }, [], Context>({
  docs: { brief: "Show the sync state of each stream" },
  parameters: { flags: { json: jsonFlag } },
  async func({ json }) {
    const { stdout } = this.io;
    const sync = await withAgent(this, (client) => client.get<SyncStatus>("/sync/status"));
    stdout.write(
      json
        ? `${JSON.stringify(sync, null, 2)}\n`
        : describeLanes(sync.lanes, { paint: painter(stdout), now: systemClock.now() }),
    );
  },
});

const reset: Command<Context> = buildCommand<StreamFlags & { yes: boolean }, [], Context>({
  docs: {
    brief: "Clear backoff, pauses and refusals; read all records again",
    fullDescription:
      "Forgets what was learned of the cloud and tries everything at once. Heartbeats, events and punches " +
      "that wait stay queued. Records are read again from the cloud: changes of records that have not been sent are lost, " +
      "after a question on a terminal, or by --yes.",
  },
  parameters: {
    flags: {
      stream: streamFlag,
      yes: {
        kind: "boolean",
        brief: "Also when changes of records would be lost",
        default: false,
        withNegated: false,
      },
    },
  },
  async func({ stream, yes }) {
    await withAgent(this, async (client) => {
      const lanes = lanesOf(await client.get<SyncStatus>("/sync/status"), stream);
      const lost = yes ? 0 : lostByReset(lanes);
      if (lost > 0 && !await agreed(this.io, lost)) {
        throw new UsageError(
          `Cannot reset records: ${count(lost)} changes have not been sent and would be lost. ` +
            "Send them with clockblock sync now, or add --yes",
        );
      }
      const query = new URLSearchParams({
        ...(stream === undefined ? {} : { stream }),
        // What a person has agreed to; what came since then is theirs as well.
        ...(yes || lost > 0 ? { lose_changes: "true" } : {}),
      });
      await client.post(`/sync/reset?${query}`);
      this.io.stdout.write(`${stream ?? "Every stream"} starts over\n`);
    });
  },
});

/** Changes of records that no cloud has: a reset takes the cloud's word for everything. */
function lostByReset(lanes: readonly LaneStatus[]): number {
  const records = lanes.find((lane) => lane.stream === "records" && lane.remote !== null);
  return records ? records.rows_waiting + records.rows_rejected : 0;
}

/** Asks for confirmation; without a terminal the answer is no. */
async function agreed(io: Io, lost: number): Promise<boolean> {
  if (!io.stderr.terminal) return false;
  const answer = await io.ask(
    `${count(lost)} changes of records have not been sent and would be lost. Go on? [y/N] `,
  );
  return /^y(es)?$/i.test(answer?.trim() ?? "");
}

export const sync: RouteMap<Context> = buildRouteMap<
  "now" | "status" | "conflicts" | "reset",
  Context
>({
  routes: { now, status, conflicts, reset },
  docs: { brief: "Send what waits, show the state, start over" },
});

function lanesOf({ lanes }: SyncStatus, stream: string | undefined): LaneStatus[] {
  return lanes.filter((lane) => stream === undefined || lane.stream === stream);
}

function pushed(lanes: readonly LaneStatus[]): number {
  return lanes.reduce((sum, { rows_pushed }) => sum + rows_pushed, 0);
}
