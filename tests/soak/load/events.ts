/**
 * Applications that send events: single ones, arrays and NDJSON. One whose answer was lost is sent again under its
 * key, until it is acknowledged. What an event says follows from its key, so nothing but the key has to be kept.
 * @module
 */
import { randomOf } from "./random.ts";
import { type Caller, pause } from "./caller.ts";

const WRITERS = 4;
const MODES = ["paper", "live"] as const;
const LARGEST_BATCH = 20;
/** Shares of long bodies, and of those near the limit of 65 536 characters. */
const LONG_SHARE = 0.02;
const HUGE_SHARE = 0.004;
const HUGE_CHARACTERS = 60_000;
const PAUSE_MS = [20, 300] as const;

export class EventsLoad {
  /** Mode and seq that were acknowledged, by idempotency key. */
  readonly acknowledged = new Map<string, { mode: string; seq: number }>();
  readonly #seed: number;
  readonly #caller: Caller;
  readonly #ease: number;

  /** @param options.ease how many times as long as usual the writers rest */
  constructor({ seed, caller, ease }: { seed: number; caller: Caller; ease: number }) {
    this.#seed = seed;
    this.#caller = caller;
    this.#ease = ease;
  }

  /** Sends until the signal aborts, and what is under way until it is acknowledged. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(
      Array.from({ length: WRITERS }, (_, writer) => this.#write(writer, signal)),
    );
  }

  /** The event of a key, as it was sent. */
  eventOf(key: string): Record<string, unknown> & { mode: string } {
    const random = randomOf(this.#seed, key);
    const size = random();
    return {
      mode: random.pick(MODES),
      source: `soak "${key.split("-")[0]}"`,
      type: "SOAK",
      subtype: random() < 0.02 ? "KILL_SWITCH" : "TICK",
      symbol: random() < 0.5 ? "BTC-USD" : null,
      severity: random.pick(["info", "warning", "error"]),
      body: `${key} äß→🌱 ' \\ ${"x".repeat(fillingOf(size, random()))}`,
      meta: { n: random(), nested: { list: [1, null, "two"] } },
      idempotency_key: key,
    };
  }

  async #write(writer: number, signal: AbortSignal): Promise<void> {
    const random = randomOf(this.#seed, `writer ${writer}`);
    for (let count = 0; !signal.aborted;) {
      const keys = Array.from(
        { length: random() < 0.5 ? 1 : 1 + random.below(LARGEST_BATCH) },
        () => `${writer}-${count++}`,
      );
      const ndjson = random() < 0.3;
      while (!await this.#send(keys, ndjson)) await pause(50);
      await pause(this.#ease * random.between(...PAUSE_MS));
    }
  }

  async #send(keys: readonly string[], ndjson: boolean): Promise<boolean> {
    const events = keys.map((key) => this.eventOf(key));
    const answer = await this.#caller.ask("/local/events", {
      method: "POST",
      headers: { "content-type": ndjson ? "application/x-ndjson" : "application/json" },
      body: ndjson
        ? events.map((event) => JSON.stringify(event)).join("\n")
        : JSON.stringify(events),
    });
    const { accepted } = answer as { accepted?: { seq: number; idempotency_key: string }[] } ??
      {};
    if (accepted?.length !== keys.length) return false;
    accepted.forEach(({ seq, idempotency_key }, index) => {
      this.acknowledged.set(idempotency_key, { mode: events[index]!.mode, seq });
    });
    return true;
  }
}

/** How many characters follow in a body: few, many or about as many as there may be. */
function fillingOf(size: number, share: number): number {
  if (size < HUGE_SHARE) return HUGE_CHARACTERS;
  return Math.floor(share * (size < LONG_SHARE ? 8_000 : 200));
}
