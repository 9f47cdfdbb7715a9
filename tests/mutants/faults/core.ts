import type { FaultyFile } from "../fault.ts";

export const CORE_FAULTS: readonly FaultyFile[] = [
  {
    file: "core/time/deadline.ts",
    faults: [
      [
        "work without an end is waited for",
        "return Promise.race([this.#rejection.promise, work]);",
        "return work;",
      ],
      ["a timer is left behind", "this.#disposed.abort();", ""],
      [
        "the work's own error at the abort comes first",
        "this.#rejection.reject(reason);\n    this.#passed.abort(reason);",
        "this.#passed.abort(reason);\n    this.#rejection.reject(reason);",
      ],
    ],
  },
  {
    file: "core/time/day.ts",
    faults: [
      ["a day that is none is taken", ".toISOString().startsWith(text)", ".toISOString() !== text"],
      [
        "slots before 1970 begin late",
        "ms - (((ms % SLOT_MS) + SLOT_MS) % SLOT_MS)",
        "ms - (ms % SLOT_MS)",
      ],
      [
        "a day is 24 hours long",
        "startOfDay(date.add({ days: 1 }), timeZone, startsAt)",
        "startOfDay(date, timeZone, startsAt) + 86_400_000",
      ],
      [
        "the hours before day_starts_at belong to the day that comes",
        "ms >= startOfDay(date, timeZone, startsAt)",
        "true",
      ],
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
    file: "core/http/sse_fanout.ts",
    tests: ["api/routes/stream_test.ts"],
    faults: [
      [
        "listeners that left are kept",
        "for (const streams of this.#following.values()) streams.delete(stream);",
        "",
      ],
      ["listeners that left are counted", "--this.#clients", "this.#clients"],
      [
        "one listener too many",
        "if (this.#clients >= MAX_CLIENTS) {",
        "if (this.#clients > MAX_CLIENTS) {",
        ["api/routes/stream_test.ts", "streams/events/live_stream_test.ts"],
      ],
    ],
  },
];
