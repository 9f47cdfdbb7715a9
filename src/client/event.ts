/** An application event as a web app sees it: the same from the agent and from the cloud. @module */

import type { EventItem } from "../contract/events.ts";

export type LocalEvent = EventItem;

/** An event of what came over the wire; undefined when it is none. */
export function toEvent(value: unknown): LocalEvent | undefined {
  if (!isObject(value)) return undefined;
  const { seq, ts, meta, symbol } = value;
  if (typeof seq !== "number" || !Number.isSafeInteger(seq)) return undefined;
  const ms = typeof ts === "string" ? Date.parse(ts) : NaN;
  return {
    id: text(value.id),
    mode: text(value.mode),
    // PostgreSQL writes the offset and as many digits as there are.
    ts: Number.isNaN(ms) ? text(ts) : new Date(ms).toISOString(),
    seq,
    source: text(value.source),
    type: text(value.type),
    subtype: text(value.subtype),
    symbol: typeof symbol === "string" ? symbol : null,
    severity: text(value.severity),
    body: text(value.body),
    meta: isObject(meta) ? meta : {},
    idempotency_key: text(value.idempotency_key),
  };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
