/** Follows an event stream of the agent across its restarts; events missed meanwhile come first. @module */
import type { Config } from "../config/mod.ts";
import { type Clock, systemClock } from "../core/mod.ts";
import {
  answerOf,
  NoAnswerError,
  type Query,
  readToken,
  tokenPathOf,
  withQuery,
} from "./client.ts";
import { runningAgent } from "./session.ts";

export interface FollowOptions {
  query: Query;
  signal: AbortSignal;
  /** Called when the agent went away, and when it is back. */
  onAway?: (away: boolean) => void;
  clock?: Clock;
}

/** Pause before the next attempt to reach an agent that stopped. */
const RETRY_MS = 1_000;

/**
 * The data of the stream's messages, until the signal aborts.
 * @throws {NoAnswerError} when no agent runs to begin with
 * @throws {ApiError} when it refuses
 */
export async function* followStream(
  config: Config,
  path: string,
  { query, signal, onAway = () => {}, clock = systemClock }: FollowOptions,
): AsyncGenerator<string> {
  let lastId: string | undefined;
  let away = false;
  for (let first = true; !signal.aborted; first = false) {
    const response = await opened(config, withQuery(path, query), { lastId, signal, first });
    if (response && !response.ok) await answerOf(response, path);
    if (response?.body) {
      if (away) onAway(away = false);
      for await (const { id, data } of messages(response.body, signal)) {
        lastId = id ?? lastId;
        if (data !== undefined) yield data;
      }
    }
    if (signal.aborted) return;
    if (!away) onAway(away = true);
    await clock.wait(RETRY_MS, { signal });
  }
}

async function opened(
  config: Config,
  path: string,
  { lastId, signal, first }: { lastId: string | undefined; signal: AbortSignal; first: boolean },
): Promise<Response | undefined> {
  try {
    const agent = await runningAgent(config);
    if (agent?.url) {
      const token = await readToken(tokenPathOf(config.db_path));
      return await fetch(agent.url + path, {
        signal,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(lastId === undefined ? {} : { "last-event-id": lastId }),
        },
      });
    }
  } catch (error) {
    if (first && !signal.aborted) throw error;
    return undefined;
  }
  if (!first) return undefined;
  throw new NoAnswerError(
    `Cannot follow "${config.db_path}": no agent runs on it. Start it with clockblock run`,
  );
}

/** The messages of a stream as the agent writes them: one `data` line each, lines ended by LF. */
async function* messages(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<{ id: string | undefined; data: string | undefined }> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const piece of body) {
      text += decoder.decode(piece, { stream: true });
      const blocks = text.split("\n\n");
      text = blocks.pop()!;
      for (const block of blocks) {
        const lines = block.split("\n");
        const field = (name: string) =>
          lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        yield { id: field("id"), data: field("data") };
      }
    }
  } catch (error) {
    // A TypeError: the agent stopped or was killed. The caller connects again.
    if (!signal.aborted && !(error instanceof TypeError)) throw error;
  }
}
