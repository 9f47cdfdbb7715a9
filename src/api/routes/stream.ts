/**
 * `GET /stream`: the agent's news to every page that listens. A message is put into words once, however many
 * pages there are.
 * @module
 */
import * as v from "valibot";
import {
  type Clock,
  type Hub,
  type Message,
  Problem,
  type Readers,
  type Route,
  route,
  sseFrame,
  SseStream,
} from "../../core/mod.ts";

/** What can be listened to. */
export const TOPICS = [
  "heartbeat",
  "allowance",
  "events",
  "punches",
  "corrections",
  "presence",
  "people",
  "devices",
  "records",
  "sync",
  "warnings",
] as const;

/** Every client is an open connection, of which a process may have some thousand. */
const MAX_CLIENTS = 1_000;

export class Broadcast {
  /** Who listens, by topic. */
  readonly #listeners: Map<string, Set<SseStream>> = new Map(
    TOPICS.map((topic) => [topic, new Set()]),
  );
  readonly #clock: Clock;
  readonly #hub: Hub;
  readonly #unsubscribe: () => void;

  constructor({ hub, clock }: { hub: Hub; clock: Clock }) {
    this.#clock = clock;
    this.#hub = hub;
    this.#unsubscribe = hub.subscribe((message) => this.#send(message));
  }

  /** How many pages listen. */
  get clients(): number {
    return this.#hub.pages;
  }

  /** Opens a stream of these topics. */
  open(
    topics: readonly string[],
    { signal, readers }: { signal: AbortSignal; readers: Readers },
  ): SseStream {
    if (this.clients >= MAX_CLIENTS) {
      throw new Problem(503, "Too many listeners", {
        detail: `At most ${MAX_CLIENTS} clients can listen at a time.`,
        headers: { "retry-after": "10" },
      });
    }
    const sets = topics.map((topic) => this.#listeners.get(topic)!);
    this.#hub.pages++;
    const stream = new SseStream({
      signal,
      readers,
      clock: this.#clock,
      onEnd: () => {
        this.#hub.pages--;
        for (const set of sets) set.delete(stream);
      },
    });
    for (const set of sets) set.add(stream);
    return stream;
  }

  /** Listens to the hub no longer. */
  close(): void {
    this.#unsubscribe();
  }

  #send({ topic, data }: Message): void {
    const listeners = this.#listeners.get(topic);
    if (!listeners || listeners.size === 0) return;
    const frame = sseFrame({ event: topic, data });
    for (const stream of listeners) stream.send(frame);
  }
}

const allowed = `expected some of ${TOPICS.join(",")}`;

const topicList = v.pipe(
  v.string(allowed),
  v.description(`some of ${TOPICS.join(", ")}, separated by commas`),
  v.transform((text) => [...new Set(text.split(",").map((topic) => topic.trim()))]),
  v.check((topics) => topics.every((topic) => TOPICS.some((known) => known === topic)), allowed),
);

/** The route of a broadcast. */
export function streamRoute(broadcast: Broadcast): Route {
  return route({
    method: "GET",
    path: "/stream",
    summary: "The agent's news as server-sent events, named after their topics",
    tag: "system",
    query: v.strictObject({ topics: v.optional(topicList, TOPICS.join(",")) }),
    mediaType: "text/event-stream",
    problems: {
      503: `There are ${MAX_CLIENTS} listeners already; come back after \`Retry-After\`.`,
    },
    handle: ({ query, closing, readers }) =>
      broadcast.open(query.topics, { signal: closing, readers }).response,
  });
}
