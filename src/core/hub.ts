/**
 * Publish and subscribe within the agent: streams publish, `/stream` sends it on. Nothing is kept: a subscriber that
 * needs history reads the database first.
 * @module
 */

export interface HubMessage {
  /** `heartbeat`, `events`, `punches`, `people`, `devices`, `records`, `sync`, `warnings`. */
  topic: string;
  data: unknown;
}

export class Hub {
  /** Clients of `/stream`. While there are some, the network is probed more often. */
  pages = 0;
  readonly #listeners = new Set<(message: HubMessage) => void>();

  /** Calls every listener, in the order of subscription. A listener must not throw. */
  publish(topic: string, data: unknown): void {
    for (const listener of this.#listeners) listener({ topic, data });
  }

  /** @returns a function that ends the subscription */
  subscribe(listener: (message: HubMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
