/** The dashboard's page and the client for other pages, as the agent carries them. @module */
import * as v from "valibot";
import { type Route, route } from "../../core/mod.ts";
import { type ConnectionInfo, isLoopback, type Security } from "../security/security.ts";

export interface PageFiles {
  /** The whole page; a policy in its `<meta>` is sent as a header too. */
  html: string;
  /** The module that other pages import from us. */
  clientJs?: string;
  /** What the page asks for besides. */
  files?: readonly PageFile[];
}

/** A file beside the page: the cloud's module, the service worker, the manifest, icons. */
export interface PageFile {
  /** `/sw.js` */
  readonly path: string;
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What a page without a policy of its own may do. */
const POLICY = "default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self'; " +
  "img-src 'self' data:; base-uri 'none'; form-action 'none'";

/** Any query: links to the page may carry what they like. */
const anyQuery = v.record(v.string(), v.unknown());

export interface PageRoutesOptions {
  page: PageFiles;
  security: Security;
  /** What the server knows of the connection that a request came by. */
  connection: (request: Request) => ConnectionInfo | undefined;
}

/** The routes of the page. */
export function pageRoutes({ page, security, connection }: PageRoutesOptions): Route[] {
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": `${policyOf(page.html) ?? POLICY}; frame-ancestors 'none'`,
  };
  // Over plain HTTP from another machine, browsers ignore it and complain in the console.
  const isolated = { ...headers, "cross-origin-opener-policy": "same-origin" };
  // The same for all who read it.
  const bytes = new TextEncoder().encode(page.html);
  const html = route({
    method: "GET",
    path: "/",
    summary: "The dashboard",
    tag: "page",
    query: anyQuery,
    mediaType: "text/html",
    handle: async ({ raw, readers }) => {
      const cookie = await security.cookieForPage(raw, connection(raw));
      const fixed = isLoopback(new URL(raw.url).hostname) ? isolated : headers;
      return readers.shared(bytes, {
        headers: cookie === undefined ? fixed : { ...fixed, "set-cookie": cookie },
      });
    },
  });
  const session = route({
    method: "POST",
    path: "/session",
    summary: "The page's cookie, for a page that was not loaded on this machine and has the token",
    tag: "page",
    handle: async ({ raw }) =>
      new Response(null, { status: 204, headers: { "set-cookie": await security.cookie(raw) } }),
  });
  return [
    html,
    session,
    ...page.clientJs === undefined ? [] : [clientRoute(page.clientJs)],
    ...(page.files ?? []).map(fileRoute),
  ];
}

function fileRoute({ path, type, bytes }: PageFile): Route {
  return route({
    method: "GET",
    path,
    summary: `The page's ${path.slice(1)}`,
    tag: "page",
    // The cloud's module is asked for by its version.
    query: anyQuery,
    mediaType: type.replace(/;.*/, ""),
    handle: ({ readers }) =>
      readers.shared(bytes, {
        headers: {
          "content-type": type,
          "cache-control": "no-cache",
          // What the service worker may do by itself.
          "content-security-policy": POLICY,
        },
      }),
  });
}

function clientRoute(clientJs: string): Route {
  const bytes = new TextEncoder().encode(clientJs);
  return route({
    method: "GET",
    path: "/client.js",
    summary: "The module for web apps: live from this agent, from the cloud when it is away",
    tag: "page",
    query: anyQuery,
    mediaType: "text/javascript",
    handle: ({ readers }) =>
      readers.shared(bytes, {
        headers: { "content-type": "text/javascript; charset=utf-8", "cache-control": "no-cache" },
      }),
  });
}

/** The policy in the page's `<meta>`, where browsers ignore `frame-ancestors`. */
function policyOf(html: string): string | undefined {
  return /<meta http-equiv="Content-Security-Policy" content="([^"]*)"/i.exec(html)?.[1];
}
