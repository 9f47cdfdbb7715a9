/**
 * Limits by address: connections, memory, and messages a second. Devices have budgets of their own, which strangers
 * cannot use up. A sender that is too fast is read later, not refused.
 * @module
 */
import type { Clock } from "../../../core/mod.ts";

/** What all devices may take, or all strangers. */
export interface Share {
  connectionsPerAddress: number;
  /** What unfinished messages may take in memory: all together, and those of one address. */
  heldBytes: number;
  heldBytesPerAddress: number;
}

export interface Limits {
  /** Connections at once, over all. */
  connections: number;
  /** Connections on which an approved device has sent something from its own address. */
  devices: Share;
  /** All others: of some it is not known yet whose they are. */
  strangers: Share;
  /** Messages and requests a second from one address, after a burst of twice as many. */
  messagesPerSecond: number;
  /** A message or body beyond this is not listened to any more: no device holds as much. */
  maxMessageBytes: number;
  /** The same, for strangers. */
  strangerBytes: number;
  /** How many entries the quarantine keeps: the newest. */
  quarantineEntries: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: Limits = {
  connections: 512,
  devices: { connectionsPerAddress: 256, heldBytes: 64 * MIB, heldBytesPerAddress: 32 * MIB },
  strangers: { connectionsPerAddress: 64, heldBytes: 32 * MIB, heldBytesPerAddress: 8 * MIB },
  messagesPerSecond: 1_000,
  maxMessageBytes: 1024 * MIB,
  strangerBytes: 32 * MIB,
  quarantineEntries: 10_000,
};

/** The budget that something counts to. */
type State = "devices" | "strangers";

/** What one address takes in one state. */
interface Usage {
  connections: number;
  held: number;
  /** Messages that may still come at once. */
  tokens: number;
  filledAt: number;
}

/** The usage of one connection. */
export interface ConnectionSlot {
  /** Whether it counts as a device's. */
  readonly known: boolean;
  /** This is an approved device's: counted as one from now on, if there is room. */
  recognise(): void;
  /** How long the message that begins waits for its turn, in milliseconds. */
  delay(): number;
  /** Counts what unfinished messages take more (or less) in memory; false when it is too much. */
  hold(bytes: number): boolean;
  /** The connection has ended; memory is released with `hold`. */
  leave(): void;
}

export class ConnectionQuota {
  readonly limits: Limits;
  readonly #clock: Clock;
  readonly #addresses = { devices: new Map<string, Usage>(), strangers: new Map<string, Usage>() };
  readonly #held = { devices: 0, strangers: 0 };
  #connections = 0;

  constructor(limits: Limits, { clock }: { clock: Clock }) {
    this.limits = limits;
    this.#clock = clock;
  }

  /** Whether no connection is admitted, from any address. */
  get full(): boolean {
    return this.#connections >= this.limits.connections;
  }

  /** Whether no stranger's connection is admitted from this address. */
  addressFull(address: string): boolean {
    const { connections = 0 } = this.#addresses.strangers.get(address) ?? {};
    return connections >= this.limits.strangers.connectionsPerAddress;
  }

  /** Admits a connection as a stranger's; undefined when there is no room. */
  enter(address: string): ConnectionSlot | undefined {
    if (this.full || this.addressFull(address)) return undefined;
    let state: State = "strangers";
    let usage = this.#usage(state, address);
    let held = 0;
    usage.connections++;
    this.#connections++;
    const hold = (bytes: number) => {
      held += bytes;
      usage.held += bytes;
      this.#held[state] += bytes;
      const { heldBytes, heldBytesPerAddress } = this.limits[state];
      return usage.held <= heldBytesPerAddress && this.#held[state] <= heldBytes;
    };
    return {
      get known() {
        return state === "devices";
      },
      recognise: () => {
        const other = this.#usage("devices", address);
        if (state === "devices") return;
        if (other.connections >= this.limits.devices.connectionsPerAddress) return;
        const moved = held;
        hold(-moved);
        usage.connections--;
        state = "devices";
        usage = other;
        usage.connections++;
        hold(moved);
      },
      delay: () => {
        const tokens = this.#refill(usage) - 1;
        usage.tokens = tokens;
        return tokens >= 0 ? 0 : Math.ceil(-tokens * 1000 / this.limits.messagesPerSecond);
      },
      hold,
      leave: () => {
        usage.connections--;
        this.#connections--;
      },
    };
  }

  /** Forgets addresses that have been gone for a while; called every few seconds. */
  sweep(): void {
    for (const addresses of Object.values(this.#addresses)) {
      for (const [address, usage] of addresses) {
        if (
          usage.connections === 0 && usage.held === 0 && this.#refill(usage) >= this.#burst
        ) {
          addresses.delete(address);
        }
      }
    }
  }

  get #burst(): number {
    return this.limits.messagesPerSecond * 2;
  }

  #usage(state: State, address: string): Usage {
    const known = this.#addresses[state].get(address);
    if (known) return known;
    const usage = {
      connections: 0,
      held: 0,
      tokens: this.#burst,
      filledAt: this.#clock.monotonic(),
    };
    this.#addresses[state].set(address, usage);
    return usage;
  }

  #refill(usage: Usage): number {
    const now = this.#clock.monotonic();
    const fresh = (now - usage.filledAt) * this.limits.messagesPerSecond / 1000;
    usage.tokens = Math.min(this.#burst, usage.tokens + fresh);
    usage.filledAt = now;
    return usage.tokens;
  }
}
