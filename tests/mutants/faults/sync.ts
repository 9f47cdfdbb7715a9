import type { FaultyFile } from "../fault.ts";

export const SYNC_FAULTS: readonly FaultyFile[] = [
  {
    file: "sync/push.ts",
    tests: ["sync/push_test.ts", "sync/lane_test.ts"],
    faults: [
      [
        "an answer covers all rows by their number alone",
        "accepted.length === rows.length &&\n    accepted.every((id, at) => id === rows[at]?.id);",
        "accepted.length === rows.length;",
      ],
      [
        "refusals are never forgotten",
        "trust(): void {\n    this.#refusals = 0;",
        "trust(): void {",
      ],
      [
        "a remote that refuses everything is believed",
        "const suspicious = this.#refusals >= MAX_REFUSALS;",
        "const suspicious = false;",
      ],
      [
        "the right half is to blame for what was too large",
        `leftPassed && failure.verdict.action !== "split"`,
        "leftPassed",
      ],
      [
        "a row without an answer counts as accepted",
        "else sent.defer(id, unansweredRow(rejection, result));",
        "else settled.push(id);",
      ],
      ["a row that the cloud kept its own of waits on", "else if (newer) kept.push(newer);", ""],
      [
        "a child is rejected at the first refusal",
        "if (mayPass) return sent.defer(id, failure);",
        "",
      ],
      [
        "a round goes one row too far",
        "const rowsAtOnce = Math.min(this.#size.rows, roundSize - pushed);",
        "const rowsAtOnce = Math.min(this.#size.rows, roundSize - pushed + 1);",
      ],
      [
        "rows that come meanwhile keep the round going",
        "if (left <= 0 && batch.rows.length < limit) break;",
        "if (batch.rows.length === 0) break;",
      ],
      [
        "attempts are not forgotten once a row is accepted",
        "this.#deferred.accepted(accepted);",
        "",
      ],
      [
        "rows are settled before the remote has them",
        "return sent.failure;\n    } catch",
        "return undefined;\n    } catch",
      ],
    ],
  },
  {
    file: "sync/deferred.ts",
    tests: ["sync/push_test.ts", "sync/lane_test.ts"],
    faults: [
      ["rows that are deferred hold up those behind", "this.#outbox.passOver?.(ids);", ""],
      [
        "a row is deferred for ever",
        "const last = attempts >= MAX_ATTEMPTS;",
        "const last = false;",
      ],
    ],
  },
  {
    file: "sync/backoff.ts",
    tests: ["sync/backoff_test.ts", "sync/lane_test.ts"],
    faults: [
      [
        "the wait has no upper limit",
        "Math.min(MAX_MS, FIRST_MS * 2 ** doublings)",
        "FIRST_MS * 2 ** doublings",
      ],
      ["a fleet comes back at once", "random() * Math.min(MAX_MS", "Math.min(MAX_MS"],
      [
        "a Retry-After of years is heeded",
        "Math.min(MAX_RETRY_AFTER_MS, Math.max(0, retryAfterMs ?? 0))",
        "Math.max(0, retryAfterMs ?? 0)",
      ],
      [
        "Retry-After is ignored while a person is needed",
        "needsPerson(cause) ? Math.max(floor, pause) : backoff",
        "needsPerson(cause) ? pause : backoff",
      ],
      [
        "Retry-After is ignored",
        "backoffMs(failures, { retryAfterMs, random })",
        "backoffMs(failures, { retryAfterMs: undefined, random })",
      ],
      [
        "a deferred row does not end the round",
        "return more && progress && !deferredReason && (",
        "return more && progress && (",
      ],
    ],
  },
  {
    file: "sync/lane.ts",
    tests: ["sync/lane_test.ts", "sync/lane_round_test.ts"],
    faults: [
      [
        "each return of the remote ends the backoff",
        "if (now - this.#reconnectedMs < rest) return;",
        "",
      ],
      [
        "now() resolves after one round of many",
        "if (continuesAtOnce(result) && !signal.aborted) return void this.#waiters.push(...waiters);",
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
        "a notification starts a round at once while the lane fails",
        "this.#notBeforeMs = clock.monotonic() + wakeMs;",
        "",
      ],
      ["failures are not forgotten", "this.#failures = 0;", ""],
      ["a warning stays when the lane goes on", "this.#options.warnings.clear(this.#code);", ""],
      ["a lane that is forbidden pushes", "if (forbidden) throw forbidden;", ""],
    ],
  },
  {
    file: "sync/errors.ts",
    tests: ["sync/lane_round_test.ts"],
    faults: [
      [
        "a lane pushes after a pull without an answer",
        'return answered === false || verdict.action === "sign-in";',
        "return false;",
      ],
    ],
  },
  {
    file: "sync/requests.ts",
    faults: [
      ["the sign-in is refreshed at each request of a round", "this.#refreshed = true;", ""],
      [
        "an answered refusal counts as out of reach",
        "shared.note(failureOf(error).answered ?? false);",
        "shared.note(false);",
      ],
      [
        "a refusal after the stop is the remote's state",
        "if (!this.stopped) shared.note(",
        "shared.note(",
      ],
      [
        "a request without an end holds the lane",
        "await deadline.limit(remote.push(batch, { signal: deadline.signal }));",
        "await remote.push(batch, { signal: deadline.signal });",
      ],
    ],
  },
  {
    file: "sync/shared_remote.ts",
    tests: ["sync/shared_remote_test.ts", "sync/engine_test.ts"],
    faults: [
      ["a lost remote is not probed at once", "if (lost) this.probeSoon();", ""],
      ["each lane makes the sign-in fresh", "this.#refreshing ??= (", "this.#refreshing = ("],
      [
        "a clock that is right stays in the warnings",
        "if (Math.abs(offsetMs) <= MAX_CLOCK_OFFSET_MS) return this.#warnings.clear(code);",
        "if (Math.abs(offsetMs) <= MAX_CLOCK_OFFSET_MS) return;",
      ],
    ],
  },
  {
    file: "sync/pull.ts",
    faults: [
      [
        "a table that waits for a person is read all the time",
        "if (skip.has(table) || requests.stopped) continue;",
        "if (requests.stopped) continue;",
      ],
      [
        "a table that cannot be read stops the others",
        "if (!concernsTable(failure)) return",
        "return",
      ],
      [
        "a page that was read before a reset counts as the table's first",
        "isSame(from, inbox.cursor(page.table))",
        "true",
      ],
      ["a page that is too large is asked for again", "size.failed(rows);", ""],
      [
        "a page that was too slow is asked for again at once",
        ` || alone === "wait"`,
        "",
      ],
    ],
  },
  {
    file: "sync/batch_size.ts",
    faults: [
      [
        "a batch that failed is as large the next time",
        "this.#size = Math.min(this.#size, Math.max(1, Math.ceil(rows / 2)));",
        "",
      ],
      ["a batch never grows again", "this.#size = Math.min(this.#max, this.#size * 2);", ""],
      [
        "a server with a limit is asked for more each time",
        "this.#successesNeeded = Math.min(MAX_SUCCESSES_NEEDED, this.#successesNeeded * 2);",
        "",
      ],
    ],
  },
];
