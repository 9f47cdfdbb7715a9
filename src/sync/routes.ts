/**
 * The sync as the API shows it: how it stands, do it now, and what becomes of rejected rows.
 * @module
 */
import * as v from "valibot";
import {
  type Clock,
  listing,
  Problem,
  reply,
  type Route,
  route,
  STORING,
  type StreamName,
  wholeNumber,
  yesNo,
} from "../core/mod.ts";
import type { RejectedText } from "../store/mod.ts";
import type { RejectedRows, Which } from "./rejected.ts";
import { type SyncStatus, syncStatus } from "./status.ts";

/** What the routes need of the engine. */
export interface SyncActions {
  /** The streams that have an outbox. */
  readonly streams: readonly StreamName[];
  /** Those of them that have somewhere to go. */
  readonly configured: readonly StreamName[];
  readonly rejected: RejectedRows;
  readonly clock: Clock;
  status(): SyncStatus;
  now(stream?: StreamName): Promise<void>;
  reset(stream?: StreamName): Promise<void>;
  /** How many changes a reset would lose. */
  resetLoses(stream?: StreamName): number;
  retry(which: Which): Promise<number>;
  discard(which: Which): Promise<number>;
}

/** How long `POST /sync/now` waits for the end before it answers how it stands. */
const PATIENCE_MS = 2_000;
const MOST_IDS = 10_000;

const rejectedRow = v.object({
  stream: v.string(),
  table: v.string(),
  id: v.string(),
  row: v.looseObject({ id: v.string() }),
  status: v.nullable(v.number()),
  code: v.nullable(v.string()),
  message: v.string(),
  attempts: v.number(),
  first_at: v.string(),
  last_at: v.string(),
});

export function syncRoutes(actions: SyncActions): Route[] {
  const { streams, configured, rejected, clock } = actions;
  const streamName = v.pipe(
    v.picklist(streams, `expected one of ${streams.join(", ")}`),
    v.description("of this stream alone"),
  );
  const stream = v.optional(streamName);
  const whichStream = v.strictObject({ stream });
  const which = v.pipe(
    v.union([
      v.strictObject({
        stream: streamName,
        ids: v.pipe(
          // Counted before each is looked at.
          v.array(v.unknown()),
          v.maxLength(MOST_IDS, `expected at most ${MOST_IDS} ids`),
          v.array(v.string()),
        ),
      }),
      v.strictObject({ all: v.literal(true), stream }),
    ], "expected { stream, ids } or { all: true }"),
    v.metadata({
      description: "some rows of a stream, or all",
      examples: [{ stream: streams[0], ids: ["018f2f6e-7b1c-7000-8000-000000000001"] }, {
        all: true,
      }],
    }),
  );

  const now = async (chosen: StreamName | undefined) => {
    requireCloud(configured, chosen);
    const patience = new AbortController();
    const drained = actions.now(chosen).then(() => true);
    const late = clock.wait(PATIENCE_MS, { signal: patience.signal }).then(() => false);
    const done = await Promise.race([drained, late]);
    patience.abort();
    return reply({ done, sync: actions.status() }, { status: done ? 200 : 202 });
  };

  return [
    route({
      method: "GET",
      path: "/sync/status",
      summary: "How each stream's sync stands",
      tag: "sync",
      answer: syncStatus,
      handle: () => actions.status(),
    }),
    route({
      method: "POST",
      path: "/sync/now",
      summary: "Sync at once; answers when it is done (200), or after a moment (202)",
      tag: "sync",
      query: whichStream,
      answer: v.object({ done: v.boolean(), sync: syncStatus }),
      also: { 202: "It goes on; `done` is false." },
      problems: { 409: "No cloud is configured for this." },
      handle: ({ query }) => now(query.stream),
    }),
    route({
      method: "POST",
      path: "/sync/reset",
      summary: "Forget backoff, pauses and refusals, and try everything that waits at once; " +
        "records are read anew from the cloud. 409 with `would_lose` when changes of records that no cloud has " +
        "would be lost, unless `lose_changes=true` allows it",
      tag: "sync",
      query: v.strictObject({
        stream,
        lose_changes: v.optional(
          v.pipe(yesNo(), v.description("whether changes that no cloud has may be lost")),
          "false",
        ),
      }),
      answer: syncStatus,
      problems: {
        ...STORING,
        409: "No cloud is configured for this, or changes would be lost (`would_lose`).",
      },
      handle: async ({ query }) => {
        requireCloud(configured, query.stream);
        if (!query.lose_changes) refuseLoss(actions.resetLoses(query.stream));
        await actions.reset(query.stream);
        return actions.status();
      },
    }),
    route({
      method: "GET",
      path: "/sync/rejected",
      summary: "Rows the cloud will not have, and why; newest first",
      tag: "sync",
      query: v.strictObject({
        stream,
        limit: v.optional(
          v.pipe(wholeNumber({ min: 1, max: 1_000 }), v.description("at most so many")),
          "100",
        ),
        before: v.optional(
          v.pipe(v.string(), v.description("where the page begins: from the Link header")),
        ),
      }),
      answer: v.array(rejectedRow),
      paged: true,
      handle: ({ query: { stream, limit, before }, raw }) =>
        listing(raw, {
          limit,
          after: before,
          *read({ after: before, until }) {
            for (const row of rejected.list(stream, { before, from: until })) {
              yield { at: row.id, json: shown(row) };
            }
          },
          next: (before) => ({ before }),
        }),
    }),
    route({
      method: "POST",
      path: "/sync/rejected/retry",
      summary: "Have rejected rows tried again",
      tag: "sync",
      body: which,
      problems: STORING,
      answer: v.object({ readmitted: v.number() }),
      handle: async ({ body }) => ({ readmitted: await actions.retry(body) }),
    }),
    route({
      method: "POST",
      path: "/sync/rejected/discard",
      summary: "Give rejected rows up: they stay on this machine and are never sent",
      tag: "sync",
      body: which,
      problems: STORING,
      answer: v.object({ discarded: v.number() }),
      handle: async ({ body }) => ({ discarded: await actions.discard(body) }),
    }),
  ];
}

function requireCloud(configured: readonly StreamName[], chosen: StreamName | undefined): void {
  if (chosen ? configured.includes(chosen) : configured.length > 0) return;
  throw new Problem(409, "Nothing to sync with", {
    detail: `No cloud is configured${
      chosen ? ` for ${chosen}` : ""
    }: set endpoint_url or supabase in config.json and start again.`,
  });
}

function refuseLoss(changes: number): void {
  if (changes === 0) return;
  throw new Problem(409, "Changes would be lost", {
    detail: `${changes} changes of records have not reached the cloud and would be lost. ` +
      "Sync them first (POST /sync/now), or allow it by lose_changes=true.",
    extra: { would_lose: changes },
  });
}

/** The JSON text of a rejected row. */
function shown({ stream, table, id, rowJson, firstAt, lastAt, ...reason }: RejectedText): string {
  const before = JSON.stringify({ stream, table, id }).slice(0, -1);
  const after = JSON.stringify({ ...reason, first_at: firstAt, last_at: lastAt }).slice(1);
  return `${before},"row":${rowJson},${after}`;
}
