/**
 * What just happened, told to whoever listens: the streams publish, `/stream` passes it on to pages.
 * Nothing is kept: a listener that needs history reads the database first.
 * @module
 */

export interface Message {
  /** The kind of news: `heartbeat`, `events`, `punches`, `people`, `devices`, `records`, `sync`, `warnings`. */
  topic: string;
  data: unknown;
}

export type Listener = (message: Message) => void;

export class Hub {
  /** How many pages listen. What is costly to know is looked at more often while there are some. */
  pages = 0;
  readonly #listeners = new Set<Listener>();

  /** Hands the news to every listener, in the order in which they came. A listener must not throw. */
  publish(topic: string, data: unknown): void {
    for (const listener of this.#listeners) listener({ topic, data });
  }

  /** @returns a function that ends the subscription */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
