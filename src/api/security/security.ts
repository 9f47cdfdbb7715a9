/**
 * Who may ask: a program on this machine, the agent's own page, and web pages of the origins that the owner
 * allows. Web pages elsewhere reach a server on localhost too, by cross-site requests or, with a name that they
 * let point to 127.0.0.1 (DNS rebinding), as if they were the same site. All of it is decided before any routing.
 * @module
 */
import { Problem } from "../../core/mod.ts";
import { cookiesOf, cookieValue, sameSecret, setCookie } from "./cookie.ts";

/** Paths that need no token from any address: the page with its files, and the health check. */
export const OPEN_PATHS: readonly string[] = [
  "/",
  "/client.js",
  "/cloud.js",
  "/sw.js",
  "/manifest.webmanifest",
  "/icon-192.png",
  "/icon-512.png",
  "/healthz",
];

export interface SecurityOptions {
  /** The address we listen on: `127.0.0.1`, `::1`, `0.0.0.0`, a name. */
  host: string;
  /** Origins of web pages that may call, as a browser writes them: `http://localhost:5173`. */
  allowedOrigins: readonly string[];
  token: string;
}

/** The connection of a request. */
export interface ConnectionInfo {
  remoteAddr: Deno.Addr;
}

/** The origin of a request that may be answered. */
export interface Visitor {
  /** The `Host` it asked. */
  host: string;
  /** Set when it comes from a web page of another origin, which is one of those allowed. */
  foreignOrigin?: string;
  /** Whether its Origin is the agent's own page. */
  ownOrigin: boolean;
}

export class Security {
  readonly #names: ReadonlySet<string>;
  readonly #anyAddress: boolean;
  readonly #exposed: boolean;
  readonly #allowedOrigins: ReadonlySet<string>;
  readonly #token: string;
  #cookie: Promise<string> | undefined;
  /** The last `Host` that was accepted: most callers send the same. */
  #lastHost = "";

  constructor({ host, allowedOrigins, token }: SecurityOptions) {
    this.#names = new Set([
      ...LOOPBACK_NAMES,
      inUrl(host.toLowerCase()),
      // An allowed origin http://pc.lan:3841 calls the agent by that name.
      ...allowedOrigins.map((origin) => new URL(origin).hostname),
    ]);
    this.#anyAddress = host === "0.0.0.0" || host === "::";
    this.#exposed = !isLoopback(host);
    this.#allowedOrigins = new Set(allowedOrigins);
    this.#token = token;
  }

  /**
   * Where the request comes from.
   * @throws {Problem} 400 or 421 for a `Host` that is not ours, 403 for a web page that may not call
   */
  visitor(request: Request): Visitor {
    const { headers } = request;
    const host = headers.get("host");
    if (!host) throw new Problem(400, "Missing Host", { detail: "Send a Host header." });
    if (!this.#isOurs(host)) {
      throw new Problem(421, "Unknown Host", {
        detail:
          `This agent does not answer to "${host}". Ask it by 127.0.0.1, localhost or its api_host.`,
      });
    }
    const origin = headers.get("origin");
    const site = headers.get("sec-fetch-site");
    if (origin === null) {
      if (site !== null && site !== "same-origin" && site !== "none" && !opensPage(request)) {
        throw foreign("another web site");
      }
      return { host, ownOrigin: false };
    }
    if (origin === `http://${host}` || origin.toLowerCase() === `http://${host.toLowerCase()}`) {
      return { host, ownOrigin: true };
    }
    if (this.#allowedOrigins.has(origin)) return { host, ownOrigin: false, foreignOrigin: origin };
    throw foreign(`"${origin}"`);
  }

  /** Whether a request like this takes the token at all: a write, and a read from another machine. */
  needsToken(request: Request, path: string, info?: ConnectionInfo): boolean {
    if (!isRead(request.method)) return true;
    return this.#exposed && !OPEN_PATHS.includes(path) && !fromThisMachine(request, info);
  }

  /** Whether the request has the token, or the page's cookie where that is enough. */
  authorized(request: Request, visitor: Visitor): boolean | Promise<boolean> {
    const { headers } = request;
    const authorization = headers.get("authorization");
    if (authorization !== null) {
      const [, given] = /^bearer +(\S+) *$/i.exec(authorization) ?? [];
      return given !== undefined && sameSecret(given, this.#token);
    }
    // A browser sends the cookie for requests of any page; only the Origin shows that it was our own.
    if (!isRead(request.method) && !visitor.ownOrigin) return false;
    const cookies = cookiesOf(request, visitor.host);
    if (cookies.length === 0) return false;
    return this.#cookieValue().then((value) => cookies.some((given) => sameSecret(given, value)));
  }

  /** The answer to a request that lacks the token. */
  unauthorized(request: Request): Problem {
    const wrong = request.headers.has("authorization");
    return new Problem(401, "Token required", {
      detail: `${wrong ? "This is not the agent's token" : "This takes the agent's token"}. ` +
        'Send "Authorization: Bearer <token>"; it is in the file api-token beside the database.',
      headers: {
        "www-authenticate": `Bearer realm="clockblock"${wrong ? ', error="invalid_token"' : ""}`,
      },
    });
  }

  /** The page's cookie for a page that is loaded on this machine; elsewhere the token has to be shown first. */
  async cookieForPage(request: Request, info?: ConnectionInfo): Promise<string | undefined> {
    if (!fromThisMachine(request, info)) return undefined;
    return setCookie(request.headers.get("host") ?? "", await this.#cookieValue());
  }

  /** The page's cookie for a request with the token. */
  async cookie(request: Request): Promise<string> {
    return setCookie(request.headers.get("host") ?? "", await this.#cookieValue());
  }

  #isOurs(host: string): boolean {
    if (host === this.#lastHost) return true;
    const name = nameOf(host);
    if (name === undefined) return false;
    // A numeric address cannot be rebound to another machine.
    const ours = this.#names.has(name) || (this.#anyAddress && isAddress(name));
    if (ours) this.#lastHost = host;
    return ours;
  }

  #cookieValue(): Promise<string> {
    return this.#cookie ??= cookieValue(this.#token);
  }
}

/** Whether a method changes nothing. */
export function isRead(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/** The name in a `Host` header, in lower case, without port and final dot. */
function nameOf(host: string): string | undefined {
  return /^(\[[\da-f:.]+\]|[\w.-]*?\w)\.?(?::\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase();
}

function isAddress(name: string): boolean {
  return name.startsWith("[") || /^\d{1,3}(\.\d{1,3}){3}$/.test(name);
}

/** A host as it stands in a URL: an IPv6 address in brackets. */
export function inUrl(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

/** Whether only this machine can reach what listens on this host. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

/** Whether it comes from loopback, asks by a loopback name, and is no proxy's on behalf of anyone else. */
function fromThisMachine({ headers }: Request, info: ConnectionInfo | undefined): boolean {
  return fromLoopback(info) && LOOPBACK_NAMES.includes(nameOf(headers.get("host") ?? "") ?? "") &&
    !headers.has("x-forwarded-for") && !headers.has("forwarded");
}

function fromLoopback(info: ConnectionInfo | undefined): boolean {
  const address = info?.remoteAddr;
  return address !== undefined && "hostname" in address &&
    isLoopback(address.hostname.replace(/^::ffff:/i, ""));
}

/** A link on another site that leads to the page: the browser shows it, and the other site cannot look in. */
function opensPage(request: Request): boolean {
  return request.method === "GET" && request.headers.get("sec-fetch-mode") === "navigate" &&
    request.headers.get("sec-fetch-dest") === "document" && new URL(request.url).pathname === "/";
}

function foreign(who: string): Problem {
  return new Problem(403, "Foreign origin", {
    detail: `A page of ${who} may not call this agent. ` +
      'Add its origin to "api_allowed_origins" in config.json if it should.',
  });
}
