import type { FaultyFile } from "../fault.ts";

export const SYNC_FAULTS: readonly FaultyFile[] = [
  {
    file: "sync/deliver.ts",
    tests: ["sync/deliver_test.ts", "sync/lane_test.ts"],
    faults: [
      [
        "an answer covers all rows by their number alone",
        "accepted.length === rows.length &&\n    accepted.every((id, at) => id === rows[at]?.id);",
        "accepted.length === rows.length;",
      ],
      [
        "refusals are never forgotten",
        "accepted(): void {\n    this.#count = 0;",
        "accepted(): void {",
      ],
      [
        "a remote that refuses everything is believed",
        "return this.#count >= MAX_REFUSALS;",
        "return false;",
      ],
      [
        "the right half is to blame for what was too large",
        `leftPassed && failure.verdict.action !== "split"`,
        "leftPassed",
      ],
      [
        "a row without an answer counts as accepted",
        "else this.#hold(id, leftFor(rejection, result));",
        "else settled.push(id);",
      ],
      ["a row that the cloud kept its own of waits on", "else if (newer) kept.push(newer);", ""],
      [
        "a child is rejected at the first refusal",
        `if (alone === "later" && !spent(id))`,
        "if (false)",
      ],
    ],
  },
  {
    file: "sync/drain.ts",
    tests: ["sync/drain_test.ts", "sync/lane_test.ts"],
    faults: [
      [
        "a round goes one row too far",
        "const rowsAtOnce = Math.min(size.rows, most - pushed);",
        "const rowsAtOnce = Math.min(size.rows, most - pushed + 1);",
      ],
      [
        "rows that come meanwhile keep the round going",
        "if (left <= 0 && batch.rows.length < limit) break;",
        "if (batch.rows.length === 0) break;",
      ],
      ["chances are not forgotten once a row is accepted", "chances.forget(accepted);", ""],
      ["rows that are put off hold up those behind", "outbox.passOver?.(ids);", ""],
      ["a row is put off for ever", "const spent = tries >= MOST_CHANCES;", "const spent = false;"],
      [
        "rows are settled before the remote has them",
        "return delivery.failure;\n  } catch",
        "return undefined;\n  } catch",
      ],
    ],
  },
  {
    file: "sync/lane.ts",
    faults: [
      [
        "each return of the remote ends the backoff",
        "if (now - this.#returnAtMs < rest) return;",
        "",
      ],
      [
        "Retry-After is ignored while a person is needed",
        "needsPerson(trouble) ? Math.max(floor, pause) : backoff",
        "needsPerson(trouble) ? pause : backoff",
      ],
      [
        "Retry-After is ignored",
        "backoffMs(this.#failures, { retryAfterMs, random })",
        "backoffMs(this.#failures, { retryAfterMs: undefined, random })",
      ],
      [
        "now() resolves after one round of many",
        "if (goesOnAtOnce(outcome) && !signal.aborted) return void this.#waiters.push(...waiters);",
        "",
      ],
      ["a hurried lane is in a hurry for ever", "this.#urgent = false;", ""],
      [
        "a change of network hurries a lane that was answered",
        "if (this.#wasCutOff) this.hurry();",
        "this.hurry();",
      ],
      ["a change of network hurries nobody", "if (this.#wasCutOff) this.hurry();", ""],
      ["now() hangs when the lane ends", "for (const done of this.#waiters.splice(0)) done();", ""],
      [
        "a held row does not end the round",
        "return more && progress && !heldFor && (",
        "return more && progress && (",
      ],
      [
        "the bell is heeded at once while the lane fails",
        "this.#notBeforeMs = clock.monotonic() + Math.min(wait, deaf);",
        "",
      ],
      ["failures are not forgotten", "this.#failures = 0;", ""],
      ["a warning stays when the lane goes on", "this.#options.warnings.clear(this.#code);", ""],
    ],
  },
  {
    file: "sync/exchange.ts",
    tests: ["sync/exchange_test.ts"],
    faults: [
      ["the sign-in is refreshed at each request of a round", "this.#refreshed = true;", ""],
      [
        "an answered refusal counts as out of reach",
        "connection.heard(failureOf(error).answered ?? false);",
        "connection.heard(false);",
      ],
      [
        "a refusal after the stop is the remote's state",
        "if (!this.#stop.aborted) connection.heard(",
        "connection.heard(",
      ],
      [
        "what the cloud has is read after the push",
        'return answered === false || verdict.action === "sign-in";',
        "return false;",
      ],
      ["a lane that is forbidden pushes", "if (forbidden) throw forbidden;", ""],
    ],
  },
  {
    file: "sync/connection.ts",
    tests: ["sync/connection_test.ts", "sync/engine_test.ts"],
    faults: [
      ["a lost remote is not probed at once", "if (lost) this.probeSoon();", ""],
      ["each lane makes the sign-in fresh", "this.#refreshing ??= (", "this.#refreshing = ("],
      [
        "a clock that is right stays in the warnings",
        "if (Math.abs(offsetMs) <= CLOCK_OFF_MS) return this.#warnings.clear(code);",
        "if (Math.abs(offsetMs) <= CLOCK_OFF_MS) return;",
      ],
    ],
  },
  {
    file: "sync/attempt.ts",
    faults: [
      [
        "a call without an end holds the lane",
        "return await Promise.race([work(limit.signal), aborted]);",
        "return await work(limit.signal);",
      ],
      ["a timer is left behind", "over.abort();", ""],
    ],
  },
];
