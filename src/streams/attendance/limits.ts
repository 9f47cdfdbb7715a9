/**
 * What one address may take of this machine: connections, and messages a second. Whoever is too fast is read
 * later, not refused: a punch that is slow to be taken is better than one that is not.
 * @module
 */
import type { Clock } from "../../core/mod.ts";

export interface Limits {
  /** Connections at once, over all and from one address. */
  connections: number;
  connectionsPerAddress: number;
  /** Messages and requests a second from one address, after a burst of twice as many. */
  messagesPerSecond: number;
  /** A message or body beyond this goes to a file in the quarantine. */
  messageBytes: number;
  /** A message or body beyond this is not listened to any more: no device holds as much. */
  endlessBytes: number;
  /** The same, for whoever has not been approved. */
  strangerBytes: number;
  /** What all unfinished messages together may take in memory. */
  heldBytes: number;
  /** What all files of the quarantine may take together. */
  quarantineBytes: number;
  /** How many entries the quarantine keeps: the newest. */
  quarantineEntries: number;
}

export const DEFAULT_LIMITS: Limits = {
  connections: 512,
  connectionsPerAddress: 64,
  messagesPerSecond: 1_000,
  messageBytes: 32 * 1024 * 1024,
  endlessBytes: 1024 * 1024 * 1024,
  strangerBytes: 32 * 1024 * 1024,
  heldBytes: 96 * 1024 * 1024,
  quarantineBytes: 2 * 1024 * 1024 * 1024,
  quarantineEntries: 10_000,
};

interface Usage {
  connections: number;
  /** Messages that may still come at once. */
  tokens: number;
  filledAt: number;
}

export class Turnstile {
  readonly limits: Limits;
  readonly #clock: Clock;
  readonly #addresses = new Map<string, Usage>();
  #connections = 0;
  #held = 0;

  constructor(limits: Limits, { clock }: { clock: Clock }) {
    this.limits = limits;
    this.#clock = clock;
  }

  /** Lets a connection in, or not; who is let in leaves again. */
  enter(address: string): boolean {
    const usage = this.#addresses.get(address) ??
      { connections: 0, tokens: this.#burst, filledAt: this.#clock.monotonic() };
    if (
      this.full || usage.connections >= this.limits.connectionsPerAddress
    ) return false;
    this.#connections++;
    usage.connections++;
    this.#addresses.set(address, usage);
    return true;
  }

  /** Whether nobody is let in, from whatever address. */
  get full(): boolean {
    return this.#connections >= this.limits.connections;
  }

  leave(address: string): void {
    this.#connections--;
    const usage = this.#addresses.get(address);
    if (usage && --usage.connections <= 0 && this.#refill(usage) >= this.#burst) {
      this.#addresses.delete(address);
    }
  }

  /** How long a message of this address waits for its turn, in milliseconds. */
  delay(address: string): number {
    const usage = this.#addresses.get(address);
    if (!usage) return 0;
    const tokens = this.#refill(usage) - 1;
    usage.tokens = tokens;
    return tokens >= 0 ? 0 : Math.ceil(-tokens * 1000 / this.limits.messagesPerSecond);
  }

  /** Counts what an unfinished message takes more (or less) in memory; false when it is too much. */
  hold(bytes: number): boolean {
    this.#held += bytes;
    return this.#held <= this.limits.heldBytes;
  }

  /** Forgets addresses that have been gone for a while. */
  sweep(): void {
    for (const [address, usage] of this.#addresses) {
      if (usage.connections === 0 && this.#refill(usage) >= this.#burst) {
        this.#addresses.delete(address);
      }
    }
  }

  get #burst(): number {
    return this.limits.messagesPerSecond * 2;
  }

  #refill(usage: Usage): number {
    const now = this.#clock.monotonic();
    const fresh = (now - usage.filledAt) * this.limits.messagesPerSecond / 1000;
    usage.tokens = Math.min(this.#burst, usage.tokens + fresh);
    usage.filledAt = now;
    return usage.tokens;
  }
}
