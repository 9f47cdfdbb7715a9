/** The event log over HTTP: events in and out, the live stream, the application's state. @module */
import * as v from "valibot";
import {
  FANOUT_PROBLEMS,
  type Instant,
  type JsonObject,
  listing,
  pageQuery,
  type Placed,
  Problem,
  type Route,
  route,
  STORING,
  wholeNumber,
  yesNo,
} from "../../core/mod.ts";
import {
  eventItem,
  postedEvents,
  type RejectedEvent,
  stateAnswer,
  storedState,
} from "../../contract/events.ts";
import { shownJson } from "./event.ts";
import type { EventFilter, EventLog } from "./event_log.ts";
import type { EventOutbox } from "./outbox.ts";
import type { Ingest } from "./intake/ingest.ts";
import type { LiveStream } from "./live_stream.ts";
import { type BadEvent, MAX_BODY_BYTES, readBody } from "./intake/read_body.ts";
import { type EventRules, eventSchema, objectOf } from "./intake/event_schema.ts";
import { eventReader } from "./intake/read_event.ts";
import type { Snapshots } from "./snapshots.ts";
import { SEVERITIES } from "./notation.ts";

export interface RouteParts {
  rules: EventRules;
  /** The modes of programs, as in `rules`, and the agent's own. */
  modes: readonly string[];
  log: EventLog;
  ingest: Ingest;
  live: LiveStream;
  outbox: EventOutbox;
  snapshots: Snapshots;
}

const TAG = "events";
/** Bad events that a refusal lists. */
const MAX_LISTED = 100;
/** The largest number of `wholeNumber`: 15 digits. */
const MAX_SEQ = 999_999_999_999_999;

/** The state before the first snapshot. */
const NO_STATE = { cash: null, holdings: [], positions: [] };

export function eventRoutes(parts: RouteParts): readonly Route[] {
  const { rules, log, ingest, live, outbox, snapshots } = parts;
  const read = eventReader(rules);
  const schema = eventSchema(rules);
  const modeOf = (modes: readonly string[]) =>
    v.pipe(
      v.picklist(modes, `expected one of ${modes.join(", ")}`),
      v.description("a mode of the application; each has its own log and numbers"),
    );
  const mode = modeOf(parts.modes);
  const example = {
    mode: rules.modes[0],
    source: "engine",
    type: "TRADE",
    subtype: "BUY_FILLED",
    symbol: "AAPL",
    severity: "info",
    body: "Bought 10 AAPL at 189.20",
    meta: { quantity: 10, price: 189.2 },
    idempotency_key: "order-4711",
  };
  const seq = wholeNumber({ min: 0, max: MAX_SEQ });

  return [
    route({
      method: "POST",
      path: "/local/events",
      summary: "Store events: one, a list, or a line each; answered once they are on the disk",
      tag: TAG,
      query: v.strictObject({
        partial: v.optional(
          v.pipe(yesNo(), v.description("whether the good ones are stored when others are bad")),
          "false",
        ),
      }),
      reads: {
        "application/json": v.pipe(
          v.union([schema, v.array(schema)]),
          v.metadata({ description: "an event, or a list of them", examples: [example] }),
        ),
        "application/x-ndjson": v.pipe(
          schema,
          v.metadata({ description: "an event a line", examples: [example] }),
        ),
      },
      bodyLimit: MAX_BODY_BYTES,
      problems: {
        ...STORING,
        422: "Some events are not as they have to be, and none was stored; `errors` names them. " +
          "`partial=true` stores the good ones.",
      },
      answer: postedEvents,
      async handle({ raw, query: { partial }, text }) {
        const lines = raw.headers.get("content-type")?.includes("ndjson") ?? false;
        const { events, bad } = await readBody(await text(), { lines, read });
        if (bad.length > 0 && !partial) throw refusal(bad);
        const accepted = [...await ingest.add(events)];
        return bad.length === 0 ? { accepted } : { accepted, rejected: bad.map(rejectedOf) };
      },
    }),
    route({
      method: "GET",
      path: "/local/events",
      summary: "Events of a mode after a seq, oldest first",
      tag: TAG,
      query: v.strictObject({
        mode,
        ...pageQuery("since_seq", seq, { limit: 50, max: 1_000, description: "after this number" }),
        type: v.optional(v.pipe(v.string(), v.description("of this type alone"))),
        subtype: v.optional(v.pipe(v.string(), v.description("of this subtype alone"))),
        severity: v.optional(v.pipe(
          v.picklist(SEVERITIES, `expected one of ${SEVERITIES.join(", ")}`),
          v.description("of this severity alone"),
        )),
      }),
      answer: v.array(eventItem),
      paged: true,
      handle({ raw, query: { mode, since_seq, limit, ...filter } }) {
        return listing(raw, {
          limit,
          after: since_seq,
          read: ({ after = 0, until }) => shown(log, mode, { since: after, until, filter }),
          next: (since_seq) => ({ since_seq }),
        });
      },
    }),
    route({
      method: "GET",
      path: "/local/stream",
      summary: "Events of a mode as they come (server-sent events); id is the seq to resume from",
      tag: TAG,
      query: v.strictObject({
        mode,
        since_seq: v.optional(v.pipe(
          seq,
          v.description(
            "after this number (default: what comes from now on); a Last-Event-ID header goes before",
          ),
        )),
      }),
      mediaType: "text/event-stream",
      problems: FANOUT_PROBLEMS,
      handle(request) {
        const { raw, query: { mode, since_seq } } = request;
        const last = raw.headers.get("last-event-id");
        const since = last !== null && /^\d{1,15}$/.test(last) ? Number(last) : since_seq;
        return live.open(mode, { since, request });
      },
    }),
    route({
      method: "GET",
      path: "/local/state",
      summary: "The application's newest state, with the agent's own health and last_seq",
      tag: TAG,
      query: v.strictObject({ mode }),
      answer: stateAnswer,
      handle({ query: { mode } }) {
        const newest = snapshots.newest(mode);
        return {
          ...NO_STATE,
          ...newest?.state,
          health: { snapshot_ts: newest?.ts ?? null, ...outbox.health(mode) },
          last_seq: log.lastSeq(mode),
          snapshot: newest?.state ?? null,
        };
      },
    }),
    route({
      method: "PUT",
      path: "/local/state",
      summary: "Keep the application's state, for after a crash",
      tag: TAG,
      query: v.strictObject({ mode: modeOf(rules.modes) }),
      body: objectOf("expected a JSON object", {
        description: "the state, whatever the application keeps there",
        examples: [{ positions: [{ symbol: "AAPL", quantity: 10 }], halted: false }],
      }),
      problems: STORING,
      answer: storedState,
      async handle({ query: { mode }, body }) {
        // It was parsed from JSON.
        const ts: Instant = await snapshots.put(mode, body as JsonObject);
        return { mode, ts, last_seq: log.lastSeq(mode) };
      },
    }),
  ];
}

/** The log from one place to another. */
function* shown(
  log: EventLog,
  mode: string,
  { since, until, filter }: { since: number; until: number | undefined; filter: EventFilter },
): Generator<Placed<number>> {
  const all = Object.values(filter).every((wanted) => wanted === undefined);
  const found = all
    ? log.span(mode, { since, until })
    : log.filtered(mode, { since, until, filter });
  for (const event of found) {
    yield typeof event === "number" ? { at: event } : { at: event.seq, json: shownJson(event) };
  }
}

function refusal(bad: readonly BadEvent[]): Problem {
  const [first] = bad;
  const place = first?.line === undefined ? `event ${first?.index}` : `line ${first.line}`;
  const error = first?.errors[0];
  const field = error?.field ? `, "${error.field}"` : "";
  const others = bad.length > 1 ? ` (and ${bad.length - 1} more)` : "";
  return new Problem(422, "Invalid events", {
    detail: `${place}${field}: ${error?.message}${others}. Nothing was stored: ` +
      "correct it, or send the good ones alone with ?partial=true.",
    extra: { errors: bad.slice(0, MAX_LISTED).map(rejectedOf) },
  });
}

function rejectedOf({ index, line, errors }: BadEvent): RejectedEvent {
  return {
    index,
    ...(line === undefined ? {} : { line }),
    errors: errors.map(({ field, message }) => ({ field, message })),
  };
}
