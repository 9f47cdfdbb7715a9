import type { FaultyFile } from "../fault.ts";

export const EVENTS_FAULTS: readonly FaultyFile[] = [
  {
    file: "streams/events/event_log.ts",
    tests: [
      "streams/events/skip_seq_test.ts",
      "streams/events/seq_test.ts",
      "streams/events/intake/ingest_test.ts",
    ],
    faults: [
      [
        "the last seq is remembered before the commit",
        "this.#store.afterCommit(() => {\n      for (const [mode, seq] of seqs)",
        "[() => {}].forEach(() => {\n      for (const [mode, seq] of seqs)",
      ],
      [
        "numbers begin below the floor that a repair has set",
        "Math.max(Number(this.#maxSeq.get(mode)?.seq ?? 0), seqFloor(this.#store))",
        "Number(this.#maxSeq.get(mode)?.seq ?? 0)",
      ],
      [
        "a number is lost to a duplicate",
        "if (!this.#insertNew(event, { id, seq, key, at })) return",
        "seqs.set(mode, seq);\n      if (!this.#insertNew(event, { id, seq, key, at })) return",
      ],
    ],
  },
  {
    file: "streams/events/intake/ingest.ts",
    faults: [
      ["critical events are not durable", "}, { durable });", "}, { durable: false });"],
      [
        "a critical event joins a group that is not durable",
        "if (!durable && waiting.critical) break;",
        "",
      ],
      [
        "one bad request fails its neighbours",
        `if (group.length > 1 && (storeErrorKind(error) ?? "other") === "other") {`,
        "if (false) {",
      ],
      [
        "duplicates count as waiting for the cloud",
        "accepted.filter(({ duplicate }) => !duplicate).length",
        "accepted.length",
      ],
    ],
  },
  {
    file: "streams/events/outbox.ts",
    faults: [
      [
        "a partial flush is none in health",
        `latest([lastOf.get(mode, "ok")?.ts, lastOf.get(mode, "partial")?.ts])`,
        `latest([lastOf.get(mode, "ok")?.ts])`,
      ],
      ["a mode starves the others", "served = mode;", ""],
      [
        "a failed flush pushes a health row",
        `if (status === "error" || healthTable === null) return undefined;`,
        "if (healthTable === null) return undefined;",
      ],
    ],
  },
  {
    file: "streams/events/live_stream.ts",
    faults: [
      [
        "a client ahead of the log waits for its number",
        "stream.lastId = Math.min(since ?? lastSeq, lastSeq);",
        "stream.lastId = since ?? lastSeq;",
      ],
      [
        "a client that fell behind goes on following",
        "following.delete(stream);\n        void stream.drained()",
        "void stream.drained()",
      ],
    ],
  },
  {
    file: "streams/events/skip_seq.ts",
    tests: ["streams/events/skip_seq_test.ts"],
    faults: [
      [
        "numbers skip by less than could have been given",
        "(last + STEP / 2) / STEP",
        "last / STEP",
      ],
      [
        "what was flushed is no number that was given",
        "coalesce((SELECT max(last_seq) FROM local_flush_log), 0)",
        "0",
      ],
      [
        "the floor of an earlier repair is forgotten",
        "Math.max(Number(known?.seq), seqFloor(store))",
        "Number(known?.seq)",
      ],
    ],
  },
];
