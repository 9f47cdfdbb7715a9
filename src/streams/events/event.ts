/**
 * An event: as it comes in, as it is stored, as it is given out.
 * @module
 */
import * as v from "valibot";
import type { Id, Instant, Json, JsonObject } from "../../core/mod.ts";

export const SEVERITIES = ["debug", "info", "success", "warning", "error", "critical"] as const;

/** An event as it comes in, checked. What it leaves out is made when it is stored. */
export interface NewEvent {
  /** Null: one is made. */
  id: Id | null;
  mode: string;
  ts: Instant | null;
  source: string;
  type: string;
  subtype: string;
  symbol: string | null;
  severity: string;
  body: string;
  metaJson: string;
  idempotencyKey: string | null;
}

/** An event of the log. `seq` counts up from 1 in each mode, without gaps, in the order of commits. */
export interface StoredEvent {
  id: Id;
  ts: Instant;
  seq: number;
  source: string;
  type: string;
  subtype: string;
  symbol: string | null;
  severity: string;
  body: string;
  meta_json: string;
  mode: string;
  idempotency_key: string;
}

/** The columns of a stored event, in the order in which they are given out. */
export const COLUMNS = [
  "id",
  "ts",
  "seq",
  "source",
  "type",
  "subtype",
  "symbol",
  "severity",
  "body",
  "meta_json",
  "mode",
  "idempotency_key",
] as const satisfies readonly (keyof StoredEvent)[];

/** An event as the API gives it out. */
export const eventItem = v.object({
  id: v.string(),
  ts: v.string(),
  seq: v.number(),
  source: v.string(),
  type: v.string(),
  subtype: v.string(),
  symbol: v.nullable(v.string()),
  severity: v.string(),
  body: v.string(),
  meta: v.record(v.string(), v.unknown()),
  mode: v.string(),
  idempotency_key: v.string(),
});

export type EventItem = Readonly<Omit<StoredEvent, "meta_json">> & { readonly meta: JsonObject };

export function itemOf(event: StoredEvent): EventItem {
  const { meta_json, mode, idempotency_key, ...rest } = event;
  // The text was made from an object when the event came in.
  return { ...rest, meta: JSON.parse(meta_json) as JsonObject, mode, idempotency_key };
}

/** The JSON text of {@link itemOf}, without parsing what is JSON already. */
export function itemJson(event: StoredEvent): string {
  const text = (value: Json) => JSON.stringify(value);
  return `{"id":${text(event.id)},"ts":${text(event.ts)},"seq":${event.seq},"source":${
    text(event.source)
  },"type":${text(event.type)},"subtype":${text(event.subtype)},"symbol":${
    text(event.symbol)
  },"severity":${text(event.severity)},"body":${
    text(event.body)
  },"meta":${event.meta_json},"mode":${text(event.mode)},"idempotency_key":${
    text(event.idempotency_key)
  }}`;
}
