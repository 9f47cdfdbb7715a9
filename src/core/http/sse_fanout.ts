/** The clients of an event stream by channel: a frame is encoded once and sent to all that follow its channel. @module */
import { type Clock, systemClock } from "../time/clock.ts";
import { Problem } from "./problem.ts";
import type { RouteRequest } from "./route.ts";
import { type SseFrame, SseStream } from "./sse.ts";

/** Clients of one fan-out. The API's limit of connections is above that of its two fan-outs together. */
export const MAX_CLIENTS = 1_000;

/** The status of a route whose fan-out is full, for its documentation. */
export const FANOUT_PROBLEMS: Readonly<Record<number, string>> = {
  503: `There are ${MAX_CLIENTS} listeners already; come back after \`Retry-After\`.`,
};

/** What a fan-out needs of a route's request. */
export type SseRequest = Pick<RouteRequest<unknown, unknown, unknown>, "closing" | "readers">;

export class SseFanout {
  readonly #clock: Clock;
  readonly #onClients: (clients: number) => void;
  readonly #following = new Map<string, Set<SseStream>>();
  #clients = 0;

  /** @param options `onClients` is called with their number whenever that changes. */
  constructor(
    { clock = systemClock, onClients = () => {} }: {
      clock?: Clock;
      onClients?: (clients: number) => void;
    } = {},
  ) {
    this.#clock = clock;
    this.#onClients = onClients;
  }

  /** How many clients are connected. */
  get clients(): number {
    return this.#clients;
  }

  /**
   * Opens the stream of a client, which follows no channel yet.
   * @throws {Problem} 503 when `MAX_CLIENTS` are connected
   */
  open({ closing, readers }: SseRequest): SseStream {
    if (this.#clients >= MAX_CLIENTS) {
      throw new Problem(503, "Too many listeners", {
        detail: `At most ${MAX_CLIENTS} clients can listen at a time.`,
        headers: { "retry-after": "10" },
      });
    }
    this.#onClients(++this.#clients);
    const stream: SseStream = new SseStream({
      signal: closing,
      readers,
      clock: this.#clock,
      onEnd: () => {
        this.#onClients(--this.#clients);
        for (const streams of this.#following.values()) streams.delete(stream);
      },
    });
    return stream;
  }

  /** The streams that follow a channel: add one, or delete it. */
  following(channel: string): Set<SseStream> {
    let streams = this.#following.get(channel);
    if (!streams) this.#following.set(channel, streams = new Set());
    return streams;
  }

  /** Sends a frame to all that follow the channel. */
  send(channel: string, frame: SseFrame): void {
    for (const stream of this.following(channel)) stream.send(frame);
  }
}
