/** The routes about the agent itself that need only the store and the other routes. @module */
import * as v from "valibot";
import { reply, type Route, route, type Warnings } from "../../core/mod.ts";
import type { Store } from "../../store/mod.ts";
import { syncStatus } from "../../contract/sync.ts";
import type { SyncEngine } from "../../sync/mod.ts";
import { openApi } from "../openapi/openapi.ts";
import { JsonText } from "../respond.ts";

const health = v.object({
  status: v.picklist(["ok", "failing"]),
  reasons: v.array(v.string()),
  /** The sync engine; null where nothing is synced. Its state does not make the agent fail. */
  sync: v.nullable(v.object({
    /** Whether the engine runs. */
    running: v.boolean(),
    state: syncStatus.entries.state,
    online: v.nullable(v.boolean()),
  })),
  /** How many warnings `/status` lists. */
  warnings: v.number(),
});

export interface HealthOptions {
  store: Store;
  sync: SyncEngine | undefined;
  warnings: Warnings;
  closing: AbortSignal;
}

/** `GET /healthz`: whether the agent can do its work; the cloud being away is none of that. */
export function healthRoute({ store, sync, warnings, closing }: HealthOptions): Route {
  const ping = store.db.prepare("SELECT 1 FROM meta LIMIT 1");
  return route({
    method: "GET",
    path: "/healthz",
    summary: "Whether the agent can do its work: 200, or 503 with the reasons",
    tag: "system",
    answer: health,
    also: { 503: "It cannot; `reasons` says why." },
    handle: () => {
      const reasons: string[] = [];
      if (closing.aborted) reasons.push("the agent is stopping");
      if (store.unsound !== undefined) reasons.push(store.unsound);
      try {
        ping.get();
      } catch (error) {
        reasons.push(`the database does not answer: ${(error as Error).message}`);
      }
      const more = { reasons, sync: syncOf(sync), warnings: warnings.size };
      return reasons.length === 0
        ? { status: "ok" as const, ...more }
        : reply({ status: "failing" as const, ...more }, { status: 503 });
    },
  });
}

function syncOf(sync: SyncEngine | undefined): v.InferOutput<typeof health>["sync"] {
  if (!sync) return null;
  return { running: sync.running, state: sync.state, online: sync.online() };
}

/** `GET /openapi.json`: all of these routes and itself. */
export function openApiRoute(routes: readonly Route[]): Route {
  let text: string | undefined;
  const self: Route = route({
    method: "GET",
    path: "/openapi.json",
    summary: "This API's description, OpenAPI 3.1",
    tag: "system",
    answer: v.looseObject({ openapi: v.string() }),
    handle: () => new JsonText(text ??= JSON.stringify(openApi([...routes, self]))),
  });
  return self;
}
