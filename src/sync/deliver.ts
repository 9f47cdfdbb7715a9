/**
 * Brings one batch to the remote, in parts where the answer asks for it:
 *
 *     [ a b c d X f g h ]✗           one answer for all: something in it is wrong
 *     [ a b c d ]✓ [ X f g h ]       the left half passed, so it is in the right one: no need to ask
 *                  [ X f ]✗ [ g h ]✓
 *                  [ X ]✗ [ f ]✓     a row is judged only by an answer to it alone
 *
 * One such row in n costs about log2 n refused requests, and what is good is kept as it goes.
 * @module
 */
import type { Id, OutboxBatch, PushResult, Rejection, Row } from "../core/mod.ts";
import { type Failure, failureOf } from "./errors.ts";

export interface DeliverOptions {
  /** One request; a fresh sign-in where it needs one is its own affair. */
  send(batch: OutboxBatch): Promise<PushResult>;
  /** Has the database know what became of rows. */
  keep(outcome: Outcome): Promise<unknown>;
  /** Told of each request whether its size was too much or passed. */
  sized(rows: number, passed: boolean): void;
  /** Whether the lane has come to its end: no further part is sent. */
  stopped(): boolean;
  /** Whether a row that might pass another time has had its chances. */
  spent(id: Id): boolean;
  refusals: Refusals;
}

/** What the remote said of some rows. */
export interface Outcome {
  accepted: readonly Id[];
  rejections: readonly Rejection[];
  /** What the cloud kept in the place of ours. */
  kept: readonly Row[];
}

/** Rows refused one by one without an acceptance in between that are no fault of the rows any more. */
const MAX_REFUSALS = 50;

/** Answers to single rows since a row was last accepted, over all batches of a lane. */
export class Refusals {
  #count = 0;
  #accepts = false;

  /** The remote has accepted rows, or a person vouches for it. */
  accepted(): void {
    this.#count = 0;
    this.#accepts = true;
  }

  refused(): void {
    this.#count++;
    if (this.suspicious) this.#accepts = false;
  }

  get suspicious(): boolean {
    return this.#count >= MAX_REFUSALS;
  }

  /** Whether the remote is known to accept rows: then its word that it has one already is believed. */
  get trusted(): boolean {
    return this.#accepts;
  }
}

/** Ends a batch before its end: why, or nothing when the agent stops. */
class Halt {
  constructor(readonly failure: Failure | undefined) {}
}

/** How the push of one batch went. */
export class Delivery {
  accepted = 0;
  rejected = 0;
  /** Rows that stay as they are for now, and the last word on one of them. */
  readonly held: Id[] = [];
  heldFor: Failure | undefined;
  /** Why the rest of the batch was not sent. */
  failure: Failure | undefined;

  readonly #batch: OutboxBatch;
  readonly #options: DeliverOptions;
  readonly #keeping: Promise<unknown>[] = [];

  constructor(batch: OutboxBatch, options: DeliverOptions) {
    this.#batch = batch;
    this.#options = options;
  }

  /** Pushes the batch; never throws what a remote or the database throws. */
  async run(): Promise<this> {
    try {
      await this.#part(this.#batch.rows, undefined);
    } catch (halt) {
      if (!(halt instanceof Halt)) throw halt;
      this.failure = halt.failure;
    }
    return this;
  }

  /** Resolves once the database has all of it; with the error if it would not take it. */
  async kept(): Promise<unknown> {
    const errors = await Promise.all(this.#keeping);
    return errors.find((error) => error !== undefined);
  }

  /**
   * Sends these rows, or halves of them.
   * @param blame the answer to a batch of which everything but these rows has passed
   * @returns whether all of it passed
   */
  async #part(rows: readonly Row[], blame: Failure | undefined): Promise<boolean> {
    const failure = blame && rows.length > 1 ? blame : await this.#whole(rows);
    if (!failure) return true;
    if (rows.length === 1) {
      this.#judge(rows[0]!, failure);
      return false;
    }
    const middle = Math.ceil(rows.length / 2);
    const leftPassed = await this.#part(rows.slice(0, middle), undefined);
    // What was too large together may pass in halves: then the right half is not to blame.
    const guilty = leftPassed && failure.verdict.action !== "split";
    const rightPassed = await this.#part(rows.slice(middle), guilty ? failure : undefined);
    return leftPassed && rightPassed;
  }

  /** One request; returns why it was not accepted when smaller parts may do better. */
  async #whole(rows: readonly Row[]): Promise<Failure | undefined> {
    const { send, sized, stopped } = this.#options;
    if (stopped()) throw new Halt(undefined);
    try {
      this.#take(rows, await send({ ...this.#batch, rows }));
      sized(rows.length, true);
      return undefined;
    } catch (error) {
      const failure = failureOf(error);
      const { action, alone } = failure.verdict;
      if (action === "split") sized(rows.length, false);
      if (alone === "wait") throw new Halt(failure);
      return failure;
    }
  }

  /** A 2xx: it covers the rows it names, and no others. */
  #take(rows: readonly Row[], result: PushResult): void {
    if (coversAll(rows, result)) {
      return this.#keep({ accepted: result.accepted, rejections: [], kept: [] });
    }
    const accepted = new Set(result.accepted);
    const refused = new Map(result.rejected.map((rejection) => [rejection.id, rejection]));
    const superseded = new Map((result.kept ?? []).map((row) => [row.id, row]));
    const settled: Id[] = [];
    const rejections: Rejection[] = [];
    const kept: Row[] = [];
    for (const { id } of rows) {
      const rejection = refused.get(id);
      const newer = superseded.get(id);
      if (accepted.has(id)) settled.push(id);
      else if (newer) kept.push(newer);
      else if (rejection && !rejection.retryable) rejections.push(rejection);
      else this.#hold(id, leftFor(rejection, result));
    }
    this.#keep({ accepted: settled, rejections, kept });
  }

  /** What becomes of a row that was refused all alone. */
  #judge({ id }: Row, failure: Failure): void {
    const { alone, action } = failure.verdict;
    const { refusals, spent } = this.#options;
    if (alone === "later" && !spent(id)) return this.#hold(id, failure);
    refusals.refused();
    if (alone === "hold") this.#hold(id, failure);
    // Something that answers so to everything would have a whole backlog settled that is nowhere.
    else if (alone === "settle" && !refusals.trusted) this.#hold(id, failure);
    else if (alone === "settle") this.#keepAs({ accepted: [id] });
    else {
      const { status, code } = failure;
      const reason = failure.detail ?? failure.message;
      const message = action === "split" ? `too large even alone: ${reason}` : reason;
      this.#keepAs({ rejections: [{ id, status, code, message }] });
    }
    if (refusals.suspicious) {
      throw new Halt({
        ...failure,
        verdict: {
          action: "pause",
          alone: "wait",
          advice: `it has ${alone === "settle" ? "claimed to have" : "refused"} the last ` +
            `${MAX_REFUSALS} rows, whatever they were: ` +
            "check that the configured address is the right one and takes these rows",
        },
      });
    }
  }

  #hold(id: Id, why: Failure): void {
    this.held.push(id);
    this.heldFor = why;
  }

  /** What a 2xx said. */
  #keep(outcome: Outcome): void {
    if (outcome.accepted.length + outcome.kept.length > 0) this.#options.refusals.accepted();
    this.#keepAs(outcome);
  }

  #keepAs({ accepted = [], rejections = [], kept = [] }: Partial<Outcome>): void {
    // The cloud has heard of a row that it then kept its own of: there is nothing left to send.
    const taken = accepted.length + kept.length;
    this.accepted += taken;
    this.rejected += rejections.length;
    if (taken + rejections.length === 0) return;
    this.#keeping.push(
      this.#options.keep({ accepted, rejections, kept }).then(() => undefined, (error) => error),
    );
  }
}

/** Whether every row was accepted, in the order in which they were sent: nearly always. */
function coversAll(rows: readonly Row[], { accepted, rejected }: PushResult): boolean {
  return rejected.length === 0 && accepted.length === rows.length &&
    accepted.every((id, at) => id === rows[at]?.id);
}

/** Why a row of an accepted batch stays: it was named for another time, or not at all. */
function leftFor(rejection: Rejection | undefined, { accepted }: PushResult): Failure {
  return {
    message: rejection
      ? "The cloud wants some rows another time"
      : `The cloud accepted ${accepted.length} rows and left the others unanswered`,
    status: rejection?.status,
    code: rejection?.code,
    verdict: { action: "retry", alone: "wait" },
    answered: true,
  };
}
