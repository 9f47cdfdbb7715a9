/** An event: accepted, stored, and as JSON. `contract/events.ts` has its fields. @module */
import { type EventItem, eventItem } from "../../contract/events.ts";
import { type Instant, isJsonObject, parseLossless } from "../../core/mod.ts";
import { instantOfText, isSeverity, severityOf } from "./notation.ts";

/** An event of the log: a row of the table, where `meta` is JSON text. */
export type StoredEvent = Omit<EventItem, "meta"> & { readonly meta_json: string };

/** A checked event before it is stored. Null fields and `seq` are filled in then. */
export type NewEvent = Omit<StoredEvent, "id" | "ts" | "seq" | "idempotency_key"> & {
  readonly id: string | null;
  readonly ts: Instant | null;
  readonly idempotency_key: string | null;
};

/** The columns of a stored event, in the order of the API. */
export const COLUMNS = Object.keys(eventItem.entries)
  .map((field) => field === "meta" ? "meta_json" : field) as readonly (keyof StoredEvent)[];

/** A row of the table; values in the notation of another program are converted. */
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

/** Text of another program that is no JSON object becomes `{ meta_json: text }`. */
function metaOf(text: string | null): EventItem["meta"] {
  try {
    const meta = parseLossless(text ?? "{}");
    if (isJsonObject(meta)) return meta;
  } catch {
    // Below.
  }
  return { meta_json: text };
}

/** Characters of `meta` above which the stored text is sent: parsing it would hold the event loop. */
const LONG_META = 1 << 16;

/** The JSON text of a stored event. */
export function shownJson(event: StoredEvent): string {
  const { meta_json } = event;
  // Another program may have written it: a long text is only checked for the braces of an object.
  const whole = meta_json !== null && meta_json.length > LONG_META && meta_json.startsWith("{") &&
    meta_json.endsWith("}");
  return whole ? itemJson(event) : JSON.stringify(itemOf(event));
}

/** The JSON text of {@link itemOf}, without parsing `meta`: for events that the agent wrote. */
export function itemJson(event: StoredEvent): string {
  const fields = COLUMNS.map((column) =>
    column === "meta_json"
      ? `"meta":${event.meta_json}`
      : `"${column}":${JSON.stringify(event[column])}`
  );
  return `{${fields.join()}}`;
}
