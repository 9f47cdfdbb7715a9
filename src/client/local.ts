/** Reads of the agent's own API, each with a time limit. @module */
import { type LocalEvent, membersOf, toEvent } from "./event.ts";
import { readStream } from "./sse.ts";

export interface LocalReads {
  state(signal: AbortSignal): Promise<LocalState>;
  /** Events after a `seq`, oldest first. */
  after(seq: number, limit: number, signal: AbortSignal): Promise<LocalEvent[]>;
  /**
   * Events after a `seq` as they come, an empty list for a sign of life. It is there once it has given one: only
   * what has arrived proves that it is a stream, and that nothing on the way buffers it.
   */
  stream(seq: number, signal: AbortSignal): Promise<AsyncGenerator<LocalEvent[]>>;
}

export interface LocalState {
  readonly lastSeq: number;
  /** When the agent last wrote to the cloud. */
  readonly lastFlush: string | null;
}

export interface LocalReadsOptions {
  url: string;
  mode: string;
  token?: string | undefined;
  fetch: typeof globalThis.fetch;
  /** Lets time pass. */
  wait(ms: number, options: { signal: AbortSignal }): Promise<void>;
  timeoutMs: number;
}

export function localReads(options: LocalReadsOptions): LocalReads {
  const { url, mode, token, fetch, wait, timeoutMs } = options;

  const inTime = async <T>(
    work: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> => {
    const late = new AbortController();
    const done = new AbortController();
    void wait(timeoutMs, { signal: done.signal }).then(() => {
      if (!done.signal.aborted) late.abort(new TypeError("The agent did not answer in time"));
    });
    try {
      return await work(AbortSignal.any([signal, late.signal]));
    } finally {
      done.abort();
    }
  };

  const ask = (path: string, query: Readonly<Record<string, string>>, signal: AbortSignal) =>
    fetch(`${url.replace(/\/$/, "")}${path}?${new URLSearchParams({ mode, ...query })}`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      cache: "no-store",
      signal,
    });

  const read = (path: string, query: Readonly<Record<string, string>>, signal: AbortSignal) =>
    inTime(async (signal): Promise<unknown> => {
      const response = await ask(path, query, signal);
      if (response.ok) return await response.json();
      await response.body?.cancel();
      throw new TypeError(`Cannot ask the agent for ${path}: status ${response.status}`);
    }, signal);

  return {
    async state(signal) {
      const { last_seq: lastSeq, health } = membersOf(await read("/local/state", {}, signal));
      if (typeof lastSeq !== "number") {
        throw new TypeError("Cannot ask the agent for /local/state: what answers is no agent");
      }
      const { last_flush_ts: at } = membersOf(health);
      return { lastSeq, lastFlush: typeof at === "string" ? at : null };
    },

    async after(seq, limit, signal) {
      const query = { since_seq: `${seq}`, limit: `${limit}` };
      const rows = await read("/local/events", query, signal);
      return (Array.isArray(rows) ? rows : []).map(toEvent).filter((event) => event !== undefined);
    },

    async stream(seq, signal) {
      const [first, messages] = await inTime(async (signal) => {
        const messages = readStream(
          await ask("/local/stream", { since_seq: `${seq}` }, signal),
        );
        return [await messages.next(), messages] as const;
      }, signal);
      return (async function* () {
        try {
          if (!first.done) yield first.value.map(eventOf).filter((event) => event !== undefined);
          for await (const some of messages) {
            yield some.map(eventOf).filter((event) => event !== undefined);
          }
        } finally {
          await messages.return(undefined);
        }
      })();
    },
  };
}

function eventOf({ data }: { readonly data: string }): LocalEvent | undefined {
  try {
    return toEvent(JSON.parse(data));
  } catch {
    return undefined;
  }
}
