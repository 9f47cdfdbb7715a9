/**
 * A cloud in memory: keeps rows by id, counts deliveries, and fails as it is told.
 * @module
 */
import {
  type OutboxBatch,
  type Probe,
  type PushResult,
  type Remote,
  RemoteError,
  type Verdict,
} from "../../../src/core/mod.ts";

/** What to do with a request: throws, or answers in its own way; undefined accepts it. */
export type Behaviour = (
  batch: OutboxBatch,
  options: { signal: AbortSignal },
) => PushResult | undefined | void | Promise<PushResult | undefined | void>;

export class FakeRemote implements Remote {
  readonly name = "fake cloud";
  /** Row id → how often it was taken. */
  readonly stored = new Map<string, number>();
  /** The ids of every request, in order. */
  readonly requests: string[][] = [];
  readonly batches: OutboxBatch[] = [];
  /** Taken from the front, one a request; then `behave`. */
  readonly script: Behaviour[] = [];
  behave: Behaviour = () => undefined;
  reachable = true;
  clockOffsetMs: number | null = 0;
  probes = 0;

  async push(batch: OutboxBatch, options: { signal: AbortSignal }): Promise<PushResult> {
    this.requests.push(batch.rows.map(({ id }) => id));
    this.batches.push(batch);
    const behave = this.script.shift() ?? this.behave;
    const result = await behave(batch, options) ?? this.take(batch);
    return result;
  }

  /** Stores all of a batch. */
  take({ rows }: OutboxBatch): PushResult {
    for (const { id } of rows) this.stored.set(id, (this.stored.get(id) ?? 0) + 1);
    return { accepted: rows.map(({ id }) => id), rejected: [] };
  }

  probe(): Promise<Probe> {
    this.probes++;
    return this.reachable
      ? Promise.resolve({ clockOffsetMs: this.clockOffsetMs })
      : Promise.reject(new RemoteError("Cannot reach the fake cloud"));
  }
}

/** Fails with a status and perhaps a code and the remote's own verdict. */
export function fail(
  status?: number,
  options: { code?: string; retryAfterMs?: number; detail?: string; verdict?: Verdict } = {},
): Behaviour {
  return () => {
    throw new RemoteError(`Cannot push to "fake cloud": status ${status ?? "none"}`, {
      status,
      ...options,
    });
  };
}

/** Refuses every batch with a row of these ids in it, as one statement does. */
export function poison(ids: readonly string[], behaviour: Behaviour): Behaviour {
  return (batch, options) =>
    batch.rows.some(({ id }) => ids.includes(id)) ? behaviour(batch, options) : undefined;
}
