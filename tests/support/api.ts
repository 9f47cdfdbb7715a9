/**
 * The API around a real store, with every answer checked against its schema.
 * @module
 */
import { type Api, type ApiOptions, createApi } from "../../src/api/mod.ts";
import { Hub, type Migration, type Route, Warnings } from "../../src/core/mod.ts";
import { tempStore } from "./temp.ts";

export const TEST_TOKEN = "test-token-test-token-test-token-1234";

/** A program on this machine, as the API sees it. */
export const FROM_LOOPBACK = {
  remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 50_000 },
} as const;

export interface TestApi extends Disposable {
  api: Api;
  hub: Hub;
  warnings: Warnings;
  /**
   * Asks as a program on this machine, unless `from` says otherwise. `json` is sent as such, with the token when the method writes; a header
   * given as null is left out.
   */
  ask(
    path: string,
    init?: Omit<RequestInit, "headers"> & {
      json?: unknown;
      /** The address it comes from. */
      from?: string;
      headers?: Record<string, string | null>;
    },
  ): Promise<Response>;
}

/** An API with these routes as those of a stream, on a store of its own; `using` closes and removes it. */
export function testApi(
  { routes = [], migrations = [], ...options }:
    & Partial<ApiOptions>
    & { routes?: readonly Route[]; migrations?: readonly Migration[] } = {},
): TestApi {
  const { hub = new Hub() } = options;
  const { warnings = new Warnings({ hub }) } = options;
  using cleanup = new DisposableStack();
  const store = options.store ?? cleanup.use(tempStore(migrations)).store;
  const api = createApi({
    streams: routes.length > 0 ? [{ name: "events", routes }] : [],
    deviceId: "pc-1",
    systemId: "pc-1",
    host: "127.0.0.1",
    token: TEST_TOKEN,
    page: { html: "<!doctype html><title>ClockBlock</title>" },
    flavour: "clockblock",
    checkAnswers: true,
    ...options,
    store,
    hub,
    warnings,
  });
  cleanup.defer(() => api.close());
  const all = cleanup.move();
  return {
    api,
    hub,
    warnings,
    async ask(path, { json, from, headers = {}, ...init } = {}) {
      const method = init.method ?? "GET";
      const sent = new Headers({ host: "127.0.0.1:3841" });
      if (json !== undefined) sent.set("content-type", "application/json");
      if (!["GET", "HEAD", "OPTIONS"].includes(method)) {
        sent.set("authorization", `Bearer ${TEST_TOKEN}`);
      }
      for (const [name, value] of Object.entries(headers)) {
        if (value === null) sent.delete(name);
        else sent.set(name, value);
      }
      const request = new Request(`http://127.0.0.1:3841${path}`, {
        ...init,
        headers: sent,
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
      const { remoteAddr } = FROM_LOOPBACK;
      return await api.fetch(request, {
        remoteAddr: from === undefined ? remoteAddr : { ...remoteAddr, hostname: from },
      });
    },
    [Symbol.dispose]: () => all.dispose(),
  };
}
