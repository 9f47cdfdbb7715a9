/** `/sync/*`: status, sync now, reset, and rejected rows. @module */
import * as v from "valibot";
import {
  Deadline,
  listing,
  pageQuery,
  Problem,
  reply,
  type Route,
  route,
  STORING,
  type StreamName,
  yesNo,
} from "../core/mod.ts";
import { discarded, readmitted, rejectedRow, syncNowResult, syncStatus } from "../contract/sync.ts";
import type { RejectedText } from "../store/mod.ts";
import type { SyncEngine } from "./engine.ts";

/** How long `POST /sync/now` waits for the end before it answers 202. */
const NOW_WAIT_MS = 2_000;
const MAX_IDS = 10_000;

export function syncRoutes(engine: SyncEngine): Route[] {
  const { streams, configured, rejected, clock } = engine;
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
          // The length is checked before each element is parsed.
          v.array(v.unknown()),
          v.maxLength(MAX_IDS, `expected at most ${MAX_IDS} ids`),
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
    using deadline = new Deadline({ ms: NOW_WAIT_MS, clock });
    const done = await deadline.met(engine.now(chosen));
    return reply({ done, sync: engine.status() }, { status: done ? 200 : 202 });
  };

  return [
    route({
      method: "GET",
      path: "/sync/status",
      summary: "The state of each stream's sync",
      tag: "sync",
      answer: syncStatus,
      handle: () => engine.status(),
    }),
    route({
      method: "POST",
      path: "/sync/now",
      summary: "Sync at once; answers when it is done (200), or after a moment (202)",
      tag: "sync",
      query: whichStream,
      answer: syncNowResult,
      also: { 202: "It continues; `done` is false." },
      problems: { 409: "No cloud is configured for this." },
      handle: ({ query }) => now(query.stream),
    }),
    route({
      method: "POST",
      path: "/sync/reset",
      summary: "Forget backoff, pauses and refusals, and try everything that waits at once; " +
        "records are read again from the cloud. 409 with `would_lose` when changes of records that no cloud has " +
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
        if (!query.lose_changes) refuseLoss(engine.resetLoses(query.stream));
        await engine.reset(query.stream);
        return engine.status();
      },
    }),
    route({
      method: "GET",
      path: "/sync/rejected",
      summary: "Rows the cloud refused, and why; newest first",
      tag: "sync",
      query: v.strictObject({
        stream,
        ...pageQuery("before", v.string(), {
          limit: 100,
          max: 1_000,
          description: "where the page starts: from the Link header",
        }),
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
      summary: "Try rejected rows again",
      tag: "sync",
      body: which,
      problems: STORING,
      answer: readmitted,
      handle: async ({ body }) => ({ readmitted: await engine.retry(body) }),
    }),
    route({
      method: "POST",
      path: "/sync/rejected/discard",
      summary: "Discard rejected rows: they stay on this machine and are never sent",
      tag: "sync",
      body: which,
      problems: STORING,
      answer: discarded,
      handle: async ({ body }) => ({ discarded: await engine.discard(body) }),
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
