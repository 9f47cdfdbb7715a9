/** `clockblock sync now|status|conflicts|reset`: the way to the cloud. @module */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import { type Clock, systemClock } from "../../../core/mod.ts";
import type { LaneStatus, SyncStatus } from "../../../contract/sync.ts";
import { type AgentClient, withQuery } from "../../client.ts";
import type { Context } from "../../context.ts";
import { EXIT, UsageError } from "../../exit.ts";
import { confirmed } from "../../io.ts";
import { jsonFlag, streamFlag, switchFlag } from "../../flags.ts";
import { Progress } from "../../progress.ts";
import { count, harmless } from "../../terminal.ts";
import { agentCommand, jsonText } from "../agent_command.ts";
import { describeLanes } from "../status.ts";
import { conflictsCommand } from "./conflicts.ts";

/** Interval between two looks at the progress. */
const LOOK_MS = 200;

const now = agentCommand<{ stream?: string }>({
  brief: "Send what waits, at once, and show how far it is",
  flags: { stream: streamFlag },
  sync: true,
  async run({ client, context, stdout }, { stream }) {
    const before = lanesOf(await client.get<SyncStatus>("/sync/status"), stream);
    const progress = new Progress(context.io.stderr, { unit: "rows" });
    const after = lanesOf(await drain(client, { stream, progress, before }), stream);
    progress.end();
    const sent = pushed(after) - pushed(before);
    const failed = after.filter(({ last_error }) => last_error !== null);
    stdout.write(
      `${count(sent)} rows sent, ${count(waitingFor(after))} waiting\n` +
        failed.map((lane) => `${lane.stream}: ${harmless(lane.last_error!.message)}\n`).join(""),
    );
    if (failed.length > 0) context.process.exitCode = EXIT.failed;
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
    const path = withQuery("/sync/now", { stream });
    for (;;) {
      const { done, sync } = await client.post<{ done: boolean; sync: SyncStatus }>(path);
      show(sync);
      if (done) return sync;
    }
  } finally {
    ended.abort();
    await looking.catch(() => {});
  }
}

const status = agentCommand<{ json: boolean }>({
  brief: "Show the sync state of each stream",
  flags: { json: jsonFlag },
  async run({ client, stdout, paint }, { json }) {
    const sync = await client.get<SyncStatus>("/sync/status");
    const text = json
      ? jsonText(sync)
      : describeLanes(sync.lanes, { paint, now: systemClock.now() });
    stdout.write(text);
  },
});

const reset = agentCommand<{ stream?: string; yes: boolean }>({
  brief: "Clear backoff, pauses and refusals; read all records again",
  fullDescription:
    "Forgets what was learned of the cloud and tries everything at once. Heartbeats, events and punches " +
    "that wait stay queued. Records are read again from the cloud: changes of records that have not been sent are lost, " +
    "after a question on a terminal, or by --yes.",
  flags: { stream: streamFlag, yes: switchFlag("Also when changes of records would be lost") },
  async run({ client, context: { io }, stdout }, { stream, yes }) {
    const lanes = lanesOf(await client.get<SyncStatus>("/sync/status"), stream);
    const lost = yes ? 0 : lostByReset(lanes);
    const changes = `${count(lost)} changes`;
    const question = `${changes} of records have not been sent and would be lost. Go on?`;
    if (lost > 0 && !await confirmed(io, question)) {
      throw new UsageError(
        `Cannot reset records: ${changes} have not been sent and would be lost. ` +
          "Send them with clockblock sync now, or add --yes",
      );
    }
    // What a person has agreed to; what came since then is theirs as well.
    const lose_changes = yes || lost > 0 ? "true" : undefined;
    await client.post(withQuery("/sync/reset", { stream, lose_changes }));
    stdout.write(`${stream ?? "Every stream"} starts over\n`);
  },
});

/** Changes of records that no cloud has: a reset takes the cloud's word for everything. */
function lostByReset(lanes: readonly LaneStatus[]): number {
  const records = lanes.find((lane) => lane.stream === "records" && lane.remote !== null);
  return records ? records.rows_waiting + records.rows_rejected : 0;
}

function lanesOf({ lanes }: SyncStatus, stream: string | undefined): LaneStatus[] {
  return lanes.filter((lane) => stream === undefined || lane.stream === stream);
}

function pushed(lanes: readonly LaneStatus[]): number {
  return lanes.reduce((sum, { rows_pushed }) => sum + rows_pushed, 0);
}

export const syncCommand: RouteMap<Context> = buildRouteMap({
  routes: { now, status, conflicts: conflictsCommand, reset },
  docs: { brief: "Send what waits, show the state, start over" },
});
