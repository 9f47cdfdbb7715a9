/**
 * An event: as it comes in, as it is stored, as it is given out.
 * @module
 */
import * as v from "valibot";
import {
  type Id,
  type Instant,
  type Json,
  type JsonObject,
  parseLossless,
} from "../../core/mod.ts";
import { instantOfText, isSeverity, severityOf } from "./spelling.ts";

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

/** A row of the table. Another program may have inserted it: what it wrote its own way is brought to ours. */
export function storedEvent(row: Readonly<Record<string, unknown>>): StoredEvent {
  // The columns are the fields, but for what follows.
  const event = row as unknown as StoredEvent & { readonly idempotency_key: string | null };
  const { id, ts, severity, idempotency_key } = event;
  if (
    idempotency_key !== null && ts.length === 24 && ts.endsWith("Z") && isSeverity(severity)
  ) return event;
  return {
    ...event,
    ts: instantOfText(ts) ?? ts,
    severity: severityOf(severity) ?? severity,
    idempotency_key: idempotency_key ?? id,
  };
}

export function itemOf(event: StoredEvent): EventItem {
  const { meta_json, mode, idempotency_key, ...rest } = event;
  return { ...rest, meta: metaOf(meta_json), mode, idempotency_key };
}

/** What another program wrote that is no JSON object is kept as the text that it is. */
function metaOf(text: string | null): JsonObject {
  try {
    const meta = parseLossless(text ?? "{}") as Json;
    if (typeof meta === "object" && meta !== null && !Array.isArray(meta)) {
      return meta as JsonObject;
    }
  } catch {
    // Below.
  }
  return { meta_json: text };
}

/** Above so many characters `meta` is given out as it lies there: parsing it would hold the event loop. */
const LONG_META = 1 << 16;

/** The JSON text of a stored event. */
export function shownJson(event: StoredEvent): string {
  const { meta_json } = event;
  // What another program may have written is looked at; of a long text, whether it is an object.
  const whole = meta_json !== null && meta_json.length > LONG_META && meta_json.startsWith("{") &&
    meta_json.endsWith("}");
  return whole ? itemJson(event) : JSON.stringify(itemOf(event));
}

/** The JSON text of {@link itemOf}, without parsing what was made from JSON: for events of the agent's own. */
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
