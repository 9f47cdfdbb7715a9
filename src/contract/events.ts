/** Application events over the wire: events, the answer to a post, the state, and what the stream adds to `/status`. @module */
import * as v from "valibot";

const instant = v.string();
const count = v.number();

/** Every field of an event, once: table columns, answers and types are made from these, in this order. */
export const eventItem = v.object({
  id: v.string(),
  ts: v.pipe(instant, v.description("when it happened: ISO 8601, UTC, milliseconds")),
  seq: v.pipe(v.number(), v.description("counts up in each mode, in the order of commits")),
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
export type EventItem = Readonly<v.InferOutput<typeof eventItem>>;

export const acceptedEvent = v.object({
  id: v.string(),
  seq: v.number(),
  idempotency_key: v.string(),
  duplicate: v.pipe(
    v.boolean(),
    v.description("the mode has an event with this key, or there is one with this id"),
  ),
  mismatch: v.exactOptional(v.pipe(
    v.literal(true),
    v.description(
      "of a duplicate: mode, type, subtype, symbol or body differ from the stored event's",
    ),
  )),
});
export type AcceptedEvent = Readonly<v.InferOutput<typeof acceptedEvent>>;

export const rejectedEvent = v.object({
  index: v.pipe(v.number(), v.description("its place in the request, from 0")),
  line: v.exactOptional(v.pipe(v.number(), v.description("its line, from 1, in NDJSON"))),
  errors: v.array(v.object({ field: v.string(), message: v.string() })),
});
export type RejectedEvent = Readonly<v.InferOutput<typeof rejectedEvent>>;

/** Answer to `POST /local/events`. */
export const postedEvents = v.object({
  accepted: v.array(acceptedEvent),
  rejected: v.exactOptional(v.array(rejectedEvent)),
});
export type PostedEvents = Readonly<v.InferOutput<typeof postedEvents>>;

const flushHealth = v.object({
  last_flush_ts: v.pipe(v.nullable(instant), v.description("when events last reached the cloud")),
  unflushed: v.pipe(count, v.description("events that wait; beyond 100 an upper bound")),
  oldest_unflushed: v.nullable(instant),
  error: v.pipe(v.nullable(v.string()), v.description("why the newest flush failed")),
});
export type FlushHealth = Readonly<v.InferOutput<typeof flushHealth>>;

/** Answer to `GET /local/state`. */
export const stateAnswer = v.looseObject({
  cash: v.pipe(v.unknown(), v.description("the snapshot's; null where it has none")),
  holdings: v.pipe(v.unknown(), v.description("the snapshot's; [] where it has none")),
  positions: v.pipe(v.unknown(), v.description("the snapshot's; [] where it has none")),
  health: v.object({ snapshot_ts: v.nullable(instant), ...flushHealth.entries }),
  last_seq: v.pipe(v.number(), v.description("of the mode's newest event; 0 before the first")),
  snapshot: v.pipe(
    v.nullable(v.record(v.string(), v.unknown())),
    v.description(
      "the newest snapshot as it was kept, with a health and last_seq of its own; null before the first",
    ),
  ),
});

/** Answer to `PUT /local/state`. */
export const storedState = v.object({ mode: v.string(), ts: instant, last_seq: v.number() });

/** What events add to `/status`. */
export const eventsStatus = v.object({
  clients: v.pipe(count, v.description("connected readers of /local/stream")),
  modes: v.record(v.string(), v.object({ last_seq: v.number(), ...flushHealth.entries })),
});
export type EventsStatus = Readonly<v.InferOutput<typeof eventsStatus>>;

/** Topic `events` of `/stream`: a few times a second at most. */
export const eventsMessage = v.object({
  mode: v.string(),
  last_seq: v.number(),
  count: v.pipe(count, v.description("new events")),
  events: v.pipe(v.array(eventItem), v.description("the newest of them, oldest first")),
});
export type EventsMessage = Readonly<v.InferOutput<typeof eventsMessage>>;
