/**
 * The page's cookie: an EventSource cannot send a header, and people should not have to copy a token on their own
 * machine. Its value is derived from the token, so that no session is stored.
 * @module
 */

/** The name carries the port, because browsers keep one set of cookies for all ports of a host. */
function nameFor(host: string): string {
  return `clockblock_${/:(\d+)$/.exec(host)?.[1] ?? "80"}`;
}

/** The cookie's value for a token, which cannot be derived from it. */
export async function cookieValue(token: string): Promise<string> {
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey(
    "raw",
    encoder.encode(token),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const mac = await crypto.subtle.sign("HMAC", key, encoder.encode("clockblock page cookie 1"));
  return new Uint8Array(mac).toHex();
}

/** The header that gives the cookie to a page loaded from `host`. */
export function setCookie(host: string, value: string): string {
  return `${nameFor(host)}=${value}; Path=/; HttpOnly; SameSite=Strict`;
}

/**
 * Every cookie of our name that a request to `host` carries. Another page on the host can set one with a longer path,
 * which browsers send first: the caller takes the one that verifies.
 */
export function cookiesOf(request: Request, host: string): string[] {
  const start = `${nameFor(host)}=`;
  return (request.headers.get("cookie") ?? "").split(";").map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(start)).map((pair) => pair.slice(start.length));
}

/** Compares two secrets in constant time. */
export function sameSecret(given: string, secret: string): boolean {
  let different = given.length ^ secret.length;
  for (let at = 0; at < given.length; at++) {
    // Past its end a secret's character code is NaN, which is 0 here; the lengths differ then.
    different |= given.charCodeAt(at) ^ secret.charCodeAt(at);
  }
  return different === 0;
}
