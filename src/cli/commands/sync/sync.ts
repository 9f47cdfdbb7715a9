/** `clockblock sync now|status|conflicts|reset`: the way to the cloud. @module */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import { systemClock } from "../../../core/mod.ts";
import type { LaneStatus, SyncStatus } from "../../../contract/sync.ts";
import { type AgentClient, withQuery } from "../../client.ts";
import type { Context } from "../../context.ts";
import { EXIT, UsageError } from "../../exit.ts";
import { confirmed } from "../../io.ts";
import { jsonFlag, streamFlag, switchFlag } from "../../flags.ts";
import { jsonText } from "../../rows.ts";
import { Progress } from "../../progress.ts";
import { count, harmless } from "../../terminal.ts";
import { agentCommand } from "../agent_command.ts";
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
}

/** Rows that wait, of streams with a cloud. */
function waitingFor(lanes: readonly LaneStatus[]): number {
  return lanes.filter(({ state }) => state !== "disabled")
    .reduce((sum, { rows_waiting }) => sum + rows_waiting, 0);
}

/** Has the agent sync; resolves when it is done. */
async function drain(
  client: AgentClient,
  { stream, progress, before }: DrainOptions,
): Promise<SyncStatus> {
  const show = (sync: SyncStatus) => {
    const lanes = lanesOf(sync, stream);
    const sent = pushed(lanes) - pushed(before);
    progress.update(sent, sent + waitingFor(lanes));
  };
  const ended = new AbortController();
  const looking = (async () => {
    while (!ended.signal.aborted) {
      await systemClock.wait(LOOK_MS, { signal: ended.signal });
      if (!ended.signal.aborted) show(await client.get<SyncStatus>("/sync/status"));
    }
  })();
  // `sync now` fails with the same error.
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
    // The person has agreed; changes made since then are lost as well.
    const lose_changes = yes || lost > 0 ? "true" : undefined;
    await client.post(withQuery("/sync/reset", { stream, lose_changes }));
    stdout.write(`${stream ?? "Every stream"} starts over\n`);
  },
});

/** Changes of records that the cloud does not have: a reset replaces them by the cloud's rows. */
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
