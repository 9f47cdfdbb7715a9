/**
 * Every HTTP request to the outside goes through here: no redirect leaves the origin, no redirect of a write is a
 * success, and a web page in the place of an answer is found out.
 *
 *     redirect within the origin     GET, HEAD: any · others: 307, 308, which ask for the same request again
 *     every other redirect           an error that names where it leads
 *
 * @module
 */
import { pause, type Verdict, VERDICTS } from "../verdict.ts";

/** Like `fetch`. @throws {UnusableAnswerError} instead of following a redirect that it may not follow */
export type Outbound = (address: string | URL, init?: RequestInit) => Promise<Response>;

/**
 * Something else than the addressed server answered, it sent the request elsewhere, or its answer is longer than is
 * read. Never with a secret in it.
 */
export class UnusableAnswerError extends Error {
  override readonly name = "UnusableAnswerError";
  /** Of a redirect. A page has none: nothing is known of the server that was asked. */
  readonly status: number | undefined;
  readonly verdict: Verdict;

  constructor(message: string, options: { status?: number; verdict?: Verdict } = {}) {
    super(message);
    this.status = options.status;
    this.verdict = options.verdict ?? VERDICTS.retry;
  }
}

const MAX_REDIRECTS = 3;
/** Network Authentication Required (RFC 6585): never the addressed server's own. */
const NETWORK_SIGN_IN = 511;
/** How much of an answer is searched for the tags of a page, in characters. */
const SEARCHED = 4 * 1024;
const TAG = /<(html|head|body|script|meta|form)\b/i;

export function outbound(request: typeof fetch = fetch): Outbound {
  return async (address, init = {}) => {
    let url = new URL(address);
    const reads = ["GET", "HEAD"].includes(init.method?.toUpperCase() ?? "GET");
    for (let redirects = 0;; redirects++) {
      const response = await request(url, { ...init, redirect: "manual" });
      const { status } = response;
      if (status === NETWORK_SIGN_IN) {
        await response.body?.cancel();
        throw pageInstead();
      }
      const location = response.headers.get("location");
      if (status < 300 || status >= 400 || location === null) return response;
      await response.body?.cancel();
      const target = URL.parse(location, url);
      const follows = reads || status === 307 || status === 308;
      if (!follows || target?.origin !== url.origin || redirects >= MAX_REDIRECTS) {
        const where = target ? addressShown(target) : "an address that is none";
        throw new UnusableAnswerError(`it redirects to ${where}`, { status, verdict: REDIRECTED });
      }
      url = target;
    }
  };
}

export const REDIRECTED: Verdict = pause(
  "the address redirects elsewhere: configure the address where it leads, or sign in to this network if it is its page",
);

/** A page instead of an answer: the network's or a web site's. */
export function pageInstead(): UnusableAnswerError {
  return new UnusableAnswerError("a web page answered, as networks do that want a sign-in first");
}

/**
 * What an error answer means that is a page, where its status would judge rows; undefined where it judges none.
 * Frameworks answer so to a wrong row, networks to anything: the row stays, and the others pass.
 */
export function pageVerdict(status: number): Verdict | undefined {
  if (status === 413) return { action: "split", alone: "hold" };
  return [400, 409, 422].includes(status) ? { action: "bisect", alone: "hold" } : undefined;
}

/** Whether an answer is a page for people: it begins with a tag, or has one of a page near its beginning. */
export function isPage(text: string): boolean {
  // UTF-16 that does not say so leaves a U+0000 beside every letter.
  const beginning = text.slice(0, 2 * SEARCHED).replaceAll("\0", "").trimStart();
  if (beginning.startsWith("<")) return true;
  // JSON may quote a page; one that broke off is judged as JSON.
  return !/^[[{]/.test(beginning) && TAG.test(beginning.slice(0, SEARCHED)) && !isJson(text);
}

/** A body as text: all of it, or its beginning when it is longer than `limit` bytes; the rest is not fetched. */
export async function readText(
  response: Response,
  limit = Infinity,
): Promise<{ text: string; whole: boolean }> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  let whole = true;
  for await (const part of response.body ?? []) {
    parts.push(part.subarray(0, limit - size));
    size += part.byteLength;
    // Leaving the loop cancels the body.
    if (size > limit) {
      whole = false;
      break;
    }
  }
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return { text: decoded(bytes, response.headers.get("content-type") ?? ""), whole };
}

/** An address without what may be secret in it. */
export function addressShown({ origin, pathname }: URL): string {
  return `${origin}${pathname === "/" ? "" : pathname}`;
}

/** By the byte order mark, else by the declared character set. */
function decoded(bytes: Uint8Array, contentType: string): string {
  const [, declared = "utf-8"] = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType) ?? [];
  const [first, second] = bytes;
  const marked = first === 0xff && second === 0xfe
    ? "utf-16le"
    : first === 0xfe && second === 0xff
    ? "utf-16be"
    : first === 0xef && second === 0xbb
    ? "utf-8"
    : undefined;
  try {
    return new TextDecoder(marked ?? declared).decode(bytes);
  } catch {
    // An unknown character set.
    return new TextDecoder().decode(bytes);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
