/** What an answer's headers say of time: when to retry, and this machine's clock offset. @module */

/**
 * How long `Retry-After` asks to wait, in milliseconds; undefined when it says nothing readable.
 * Seconds or an HTTP date; a date is taken against the answer's own `Date`, since this machine's clock
 * may be off by more than the wait.
 */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (!value) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1_000;
  // An HTTP date begins with its weekday; to Date.parse, "-5" is a month of 2001.
  const at = /^[a-z]/i.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(at)) return undefined;
  const serverNow = Date.parse(headers.get("date") ?? "");
  return Math.max(0, at - (Number.isNaN(serverNow) ? now : serverNow));
}

/**
 * The server's clock less this machine's, in milliseconds, from the `Date` of an answer; null when it has
 * none. `Date` is cut to the second, so half a second is added; the request's way counts half.
 */
export function clockOffsetMs(
  headers: Headers,
  { sentAt, receivedAt }: { sentAt: number; receivedAt: number },
): number | null {
  const server = Date.parse(headers.get("date") ?? "");
  if (Number.isNaN(server)) return null;
  return Math.round(server + 500 - (sentAt + receivedAt) / 2);
}
