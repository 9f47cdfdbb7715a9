/** Conflicts over HTTP. @module */
import * as v from "valibot";
import { entryNumber, listing, pageQuery, type Route, route, STORING } from "../../../core/mod.ts";
import { conflict, seenConflicts } from "../../../contract/records.ts";
import type { Store } from "../../../store/mod.ts";
import type { Conflicts } from "../conflicts.ts";

const MAX_IDS = 10_000;

const which = v.pipe(
  v.union([
    v.strictObject({
      ids: v.pipe(
        // The length is checked before each element is parsed.
        v.array(v.unknown()),
        v.maxLength(MAX_IDS, `expected at most ${MAX_IDS} ids`),
        v.array(v.pipe(v.number(), v.integer())),
      ),
    }),
    v.strictObject({ all: v.literal(true) }),
  ], "expected { ids } or { all: true }"),
  v.metadata({ description: "some conflicts, or all", examples: [{ ids: [1] }, { all: true }] }),
);

export function conflictRoutes(
  { store, conflicts }: { store: Store; conflicts: Conflicts },
): Route[] {
  return [
    route({
      method: "GET",
      path: "/sync/conflicts",
      summary: "Records that both sides had changed, newest first",
      tag: "sync",
      query: v.strictObject(
        pageQuery("before", entryNumber(), {
          limit: 100,
          max: 1_000,
          description: "before the conflict of this id",
        }),
      ),
      answer: v.array(conflict),
      paged: true,
      handle: ({ query: { limit, before }, raw }) =>
        listing(raw, {
          limit,
          after: before,
          read: ({ after, until }) => conflicts.shown({ before: after, from: until }),
          next: (before) => ({ before }),
        }),
    }),
    route({
      method: "POST",
      path: "/sync/conflicts/seen",
      summary: "Mark conflicts as seen; both versions stay listed",
      tag: "sync",
      body: which,
      problems: STORING,
      answer: seenConflicts,
      handle: async ({ body }) => ({
        seen: await store.write(() => conflicts.see("all" in body ? "all" : body.ids)),
      }),
    }),
  ];
}
