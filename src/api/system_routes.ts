/**
 * The routes about the agent itself that need nothing but the store and the other routes.
 * @module
 */
import * as v from "valibot";
import { reply, type Route, route } from "../core/mod.ts";
import type { Store } from "../store/mod.ts";
import { openApi } from "./openapi.ts";
import { JsonText } from "./respond.ts";

const health = v.object({
  status: v.picklist(["ok", "failing"]),
  reasons: v.array(v.string()),
});

/** `GET /healthz`: whether the agent can do its work; the cloud being away is none of that. */
export function healthRoute({ store, closing }: { store: Store; closing: AbortSignal }): Route {
  const ping = store.db.prepare("SELECT count(*) FROM meta");
  return route({
    method: "GET",
    path: "/healthz",
    summary: "Whether the agent can do its work: 200, or 503 with the reasons",
    tag: "system",
    answer: health,
    handle: () => {
      const reasons: string[] = [];
      if (closing.aborted) reasons.push("the agent is stopping");
      try {
        ping.get();
      } catch (error) {
        reasons.push(`the database does not answer: ${(error as Error).message}`);
      }
      return reasons.length === 0
        ? { status: "ok" as const, reasons }
        : reply({ status: "failing" as const, reasons }, { status: 503 });
    },
  });
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
