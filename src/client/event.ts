/** An application event as a web app sees it: the same from the agent and from the cloud. @module */

import type { EventItem } from "../contract/events.ts";

export type LocalEvent = EventItem;

/** An event of what came over the wire; undefined when it is none. */
export function toEvent(value: unknown): LocalEvent | undefined {
  const event = membersOf(value);
  const { seq, ts, symbol } = event;
  if (typeof seq !== "number" || !Number.isSafeInteger(seq)) return undefined;
  const ms = typeof ts === "string" ? Date.parse(ts) : NaN;
  return {
    id: text(event.id),
    mode: text(event.mode),
    // PostgreSQL writes the offset and as many digits as there are.
    ts: Number.isNaN(ms) ? text(ts) : new Date(ms).toISOString(),
    seq,
    source: text(event.source),
    type: text(event.type),
    subtype: text(event.subtype),
    symbol: typeof symbol === "string" ? symbol : null,
    severity: text(event.severity),
    body: text(event.body),
    meta: membersOf(event.meta),
    idempotency_key: text(event.idempotency_key),
  };
}

/** The members of an object; none of what is something else. */
export function membersOf(value: unknown): Record<string, unknown> {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? value as Record<string, unknown> : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
