/**
 * An event in the agent: accepted, stored, given out. Its fields stand in `contract/events.ts`.
 * @module
 */
import { type EventItem, eventItem } from "../../contract/events.ts";
import { type Instant, type Json, parseLossless } from "../../core/mod.ts";
import { instantOfText, isSeverity, severityOf } from "./notation.ts";

/** An event of the log: a row of the table, where `meta` is JSON text. */
export type StoredEvent = Omit<EventItem, "meta"> & { readonly meta_json: string };

/** An event as it comes in, checked. What is null is made when it is stored; `seq` always is. */
export type NewEvent = Omit<StoredEvent, "id" | "ts" | "seq" | "idempotency_key"> & {
  readonly id: string | null;
  readonly ts: Instant | null;
  readonly idempotency_key: string | null;
};

/** The columns of a stored event, in the order in which they are given out. */
export const COLUMNS = Object.keys(eventItem.entries)
  .map((field) => field === "meta" ? "meta_json" : field) as readonly (keyof StoredEvent)[];

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
function metaOf(text: string | null): EventItem["meta"] {
  try {
    const meta = parseLossless(text ?? "{}") as Json;
    if (typeof meta === "object" && meta !== null && !Array.isArray(meta)) {
      return meta as EventItem["meta"];
    }
  } catch {
    // Below.
  }
  return { meta_json: text };
}

/** Length of `meta` from which it is answered as stored text: parsing it would hold the event loop. */
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
  const fields = COLUMNS.map((column) =>
    column === "meta_json"
      ? `"meta":${event.meta_json}`
      : `"${column}":${JSON.stringify(event[column])}`
  );
  return `{${fields.join()}}`;
}
