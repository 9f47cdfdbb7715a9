/**
 * Realtime as a doorbell, one channel for each group of tables: a project that lacks one of them refuses the channel. It
 * guarantees no delivery and replays nothing, so a message only means that a table may have changed; after every
 * (re)subscription all tables may have.
 *
 * A channel that does not recover is closed and opened again: a client that has seen the server restart can stay broken
 * for ever (realtime#1414).
 * @module
 */
import type { RealtimeChannel } from "@supabase/supabase-js";
import { type Clock, Deadline, logger } from "../../core/mod.ts";
import type { Account } from "./account.ts";
import type { Project } from "./project.ts";

export interface DoorbellOptions {
  project: Project;
  account: Account;
  systemId: string;
  tables: readonly string[];
  clock: Clock;
  random: () => number;
  /** Called when the subscription starts to work and when it stops working. */
  onState: (connected: boolean) => void;
  /** A channel that has not worked for this long is opened again. */
  giveUpMs: number;
}

/** Poll interval while the subscription is down: a part of `giveUpMs`. */
const POLLS = 6;

/** Rings for a table until the signal aborts. */
export async function ringOnChange(
  ring: (table: string) => void,
  signal: AbortSignal,
  options: DoorbellOptions,
): Promise<void> {
  const { account, clock, random, onState, giveUpMs } = options;
  while (!signal.aborted) {
    const subscription = new Subscription(ring, options);
    try {
      // The sign-in ends with the agent: on a dead connection it takes as long as a request may.
      using deadline = new Deadline({ signal });
      if (!await deadline.met(account.signedIn())) return;
      subscription.open();
      while (!signal.aborted && !subscription.isLost(clock.monotonic())) {
        await clock.wait(giveUpMs / POLLS, { signal });
      }
    } catch (error) {
      logger("supabase").debug("Realtime is not available: {error}", { error });
    }
    await subscription.close();
    onState(false);
    if (!signal.aborted) await clock.wait(giveUpMs * (0.5 + random() / 2), { signal });
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
    const { project, systemId, tables } = this.#options;
    let channel = project.client.channel(`clockblock:${systemId}:${tables[0]}`);
    for (const table of tables) {
      channel = channel.on("postgres_changes", {
        event: "*",
        schema: "public",
        table,
        filter: `system_id=eq.${systemId}`,
      }, () => this.#ring(table));
    }
    // The reply to a join comes before the server listens to the database; this message comes afterwards.
    channel.on("system", {}, (message: { extension?: string; status?: string }) => {
      if (message.extension !== "postgres_changes") return;
      if (message.status === "ok") this.#started();
      else this.#stopped();
    });
    this.#channel = channel.subscribe((status) => {
      if (status !== "SUBSCRIBED") this.#stopped();
    });
  }

  isLost(nowMs: number): boolean {
    return !this.#works && nowMs - this.#lostAtMs > this.#options.giveUpMs;
  }

  async close(): Promise<void> {
    if (this.#channel) await this.#options.project.client.removeChannel(this.#channel);
  }

  #started(): void {
    this.#works = true;
    this.#options.onState(true);
    for (const table of this.#options.tables) this.#ring(table);
  }

  #stopped(): void {
    if (this.#works) {
      this.#lostAtMs = this.#options.clock.monotonic();
      this.#options.onState(false);
    }
    this.#works = false;
  }
}
