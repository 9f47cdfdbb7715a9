/** `GET /stream`: what the agent's parts publish, to every client that follows the topic. @module */
import * as v from "valibot";
import {
  FANOUT_PROBLEMS,
  type Hub,
  type Route,
  route,
  type SseFanout,
  sseFrame,
} from "../../core/mod.ts";

/** The topics, each a channel of the fan-out. */
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
  "config",
] as const;

const allowed = `expected some of ${TOPICS.join(",")}`;

const topicList = v.pipe(
  v.string(allowed),
  v.description(`some of ${TOPICS.join(", ")}, separated by commas`),
  v.transform((text) => [...new Set(text.split(",").map((topic) => topic.trim()))]),
  v.check((topics) => topics.every((topic) => TOPICS.some((known) => known === topic)), allowed),
);

/** Sends what is published to the clients that follow its topic. @returns a function that ends the subscription */
export function broadcast(hub: Hub, fanout: SseFanout): () => void {
  return hub.subscribe(({ topic, data }) => {
    if (fanout.following(topic).size > 0) fanout.send(topic, sseFrame({ event: topic, data }));
  });
}

/** The route of a fan-out by topic. */
export function streamRoute(fanout: SseFanout): Route {
  return route({
    method: "GET",
    path: "/stream",
    summary: "The agent's news as server-sent events, named after their topics",
    tag: "system",
    query: v.strictObject({ topics: v.optional(topicList, TOPICS.join(",")) }),
    mediaType: "text/event-stream",
    problems: FANOUT_PROBLEMS,
    handle(request) {
      const stream = fanout.open(request);
      for (const topic of request.query.topics) fanout.following(topic).add(stream);
      return stream.response;
    },
  });
}
