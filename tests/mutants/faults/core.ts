import type { FaultyFile } from "../fault.ts";

export const CORE_FAULTS: readonly FaultyFile[] = [
  {
    file: "core/time/day.ts",
    faults: [
      ["a day that is none is taken", ".toISOString().startsWith(text)", ".toISOString() !== text"],
      [
        "slots before 1970 begin late",
        "ms - (((ms % SLOT_MS) + SLOT_MS) % SLOT_MS)",
        "ms - (ms % SLOT_MS)",
      ],
      ["a day is 24 hours long", "startOf(date.add({ days: 1 }))", "startOf(date) + 86_400_000"],
    ],
  },
  {
    file: "core/http/headers.ts",
    faults: [
      ["Retry-After is in milliseconds", "Number(value) * 1_000", "Number(value)"],
      [
        "a date of Retry-After is held against this machine's clock",
        "Number.isNaN(serverNow) ? now : serverNow",
        "now",
      ],
      [
        "a clock that is ahead is behind",
        "server + 500 - (sentAt + receivedAt) / 2",
        "(sentAt + receivedAt) / 2 - server - 500",
      ],
    ],
  },
  {
    file: "core/time/every.ts",
    faults: [
      [
        "ticks that were missed are made up for",
        "due += step * (1 + Math.max(0, Math.floor((now - due) / step)));",
        "due += step;",
      ],
      ["a task that throws ends the loop", "onError(error);", "onError(error);\n      return;"],
      ["the interval is asked once", "if (intervalMs() !== step) {", "if (false) {"],
    ],
  },
  {
    file: "core/http/sse.ts",
    faults: [
      [
        "a client that takes nothing is kept",
        "if (this.#waitingBytes > 0 && this.#waitingBytes + frame.byteLength > this.#bufferBytes) {",
        "if (false) {",
      ],
      [
        "what was sent is lost when the stream closes",
        `if (end === "closed" && this.#waiting.length > 0) {`,
        "if (false) {",
      ],
    ],
  },
  {
    file: "sync/backoff.ts",
    faults: [
      [
        "the wait has no upper limit",
        "Math.min(CAP_MS, FIRST_MS * 2 ** doublings)",
        "FIRST_MS * 2 ** doublings",
      ],
      ["a fleet comes back at once", "random() * Math.min(CAP_MS", "Math.min(CAP_MS"],
      [
        "a Retry-After of years is heeded",
        "Math.min(RETRY_AFTER_CAP_MS, Math.max(0, retryAfterMs ?? 0))",
        "Math.max(0, retryAfterMs ?? 0)",
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
      ["a batch never grows again", "this.#size = Math.min(this.#most, this.#size * 2);", ""],
      [
        "a server with a limit is asked for more each time",
        "this.#patience = Math.min(MOST_PATIENCE, this.#patience * 2);",
        "",
      ],
    ],
  },
  {
    file: "sync/pull.ts",
    faults: [
      [
        "a table that waits for a person is read all the time",
        "if (skip.has(table) || stopped()) continue;",
        "if (stopped()) continue;",
      ],
      [
        "a table that cannot be read stops the others",
        "if (!concernsTable(failure)) return",
        "return",
      ],
    ],
  },
];
