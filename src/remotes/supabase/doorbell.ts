/**
 * Realtime as a doorbell. It does not promise to deliver, and it does not replay what was missed, so nothing
 * is read from it but that a table may have changed; after every (re)subscription all tables may have.
 *
 * A channel that does not come back is torn down and made anew: a client that has seen the server restart can
 * stay broken for ever (realtime#1414).
 * @module
 */
import type { RealtimeChannel } from "@supabase/supabase-js";
import { type Clock, logger } from "../../core/mod.ts";
import type { Connection } from "./connection.ts";

export interface DoorbellOptions {
  connection: Connection;
  systemId: string;
  tables: readonly string[];
  clock: Clock;
  random: () => number;
  /** Told when the subscription begins to work and when it ceases to. */
  onState: (connected: boolean) => void;
  /** A channel that has not worked for this long is made anew. */
  giveUpMs: number;
}

/** So many times while it may be broken it is looked at. */
const LOOKS = 6;

/** Rings for a table until the signal aborts. */
export async function ringOnChange(
  ring: (table: string) => void,
  signal: AbortSignal,
  options: DoorbellOptions,
): Promise<void> {
  const { connection, clock, random, onState, giveUpMs } = options;
  while (!signal.aborted) {
    const subscription = new Subscription(ring, options);
    try {
      await unlessOver(connection.signedIn(), signal);
      if (signal.aborted) return;
      subscription.open();
      while (!signal.aborted && !subscription.isLost(clock.monotonic())) {
        await clock.wait(giveUpMs / LOOKS, { signal });
      }
    } catch (error) {
      logger("supabase").debug("Realtime is not available: {error}", { error });
    }
    await subscription.close();
    onState(false);
    if (!signal.aborted) await clock.wait(giveUpMs * (0.5 + random() / 2), { signal });
  }
}

/** Waits for what takes as long as a request may on a dead connection, but not when the agent stops. */
async function unlessOver(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>();
  const onAbort = () => over.resolve();
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([work, over.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

class Subscription {
  readonly #ring: (table: string) => void;
  readonly #options: DoorbellOptions;
  #channel: RealtimeChannel | undefined;
  #works = false;
  #lostAtMs: number;

  constructor(ring: (table: string) => void, options: DoorbellOptions) {
    this.#ring = ring;
    this.#options = options;
    this.#lostAtMs = options.clock.monotonic();
  }

  open(): void {
    const { connection, systemId, tables } = this.#options;
    let channel = connection.client.channel(`clockblock:${systemId}`);
    for (const table of tables) {
      channel = channel.on("postgres_changes", {
        event: "*",
        schema: "public",
        table,
        filter: `system_id=eq.${systemId}`,
      }, () => this.#ring(table));
    }
    // The reply to a join comes before the server listens to the database; this message comes after.
    channel.on("system", {}, (message: { extension?: string; status?: string }) => {
      if (message.extension !== "postgres_changes") return;
      if (message.status === "ok") this.#began();
      else this.#ceased();
    });
    this.#channel = channel.subscribe((status) => {
      if (status !== "SUBSCRIBED") this.#ceased();
    });
  }

  isLost(nowMs: number): boolean {
    return !this.#works && nowMs - this.#lostAtMs > this.#options.giveUpMs;
  }

  async close(): Promise<void> {
    if (this.#channel) await this.#options.connection.client.removeChannel(this.#channel);
  }

  #began(): void {
    this.#works = true;
    this.#options.onState(true);
    for (const table of this.#options.tables) this.#ring(table);
  }

  #ceased(): void {
    if (this.#works) {
      this.#lostAtMs = this.#options.clock.monotonic();
      this.#options.onState(false);
    }
    this.#works = false;
  }
}
