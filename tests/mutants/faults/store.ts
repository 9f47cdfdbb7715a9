import type { FaultyFile } from "../fault.ts";

export const STORE_FAULTS: readonly FaultyFile[] = [
  {
    file: "store/commit_queue.ts",
    faults: [
      [
        "the error of a writer that undid the whole transaction is its own",
        "if (!this.#db.isTransaction) throw error;",
        "",
      ],
      [
        "closing commits one slice only",
        "while (this.#waiting.length > 0) this.#commitSlice();",
        "if (this.#waiting.length > 0) this.#commitSlice();",
      ],
      [
        "a hook that throws stops those behind it",
        `logger("store").error("What follows a write failed: {error}", { error });`,
        "return;",
      ],
      [
        "durable writers are answered before the disk has it",
        "if (log && isDurable(outcome)) durable.push(outcome);\n      else outcome.settle();",
        "outcome.settle();",
      ],
      [
        "a durable commit is not durable without a log",
        'if (full) this.#db.exec("PRAGMA synchronous=FULL");',
        "",
      ],
      [
        "a commit stays as slow as a durable one",
        'if (full) this.#db.exec("PRAGMA synchronous=NORMAL");',
        "",
      ],
      [
        "hooks of a writer that was undone run",
        "return { hooks: [], settle: () => reject(reason)",
        "return { hooks, settle: () => reject(reason)",
      ],
      [
        "a writer that throws keeps what it wrote",
        "undo.run();\n        release.run();",
        "release.run();",
      ],
      [
        "a first writer that throws keeps what it wrote",
        "if (first) rollback.run();",
        "if (first) return { hooks, settle: () => reject(error), fail: reject, durable };",
      ],
      [
        "another program's lock fails the writers at once",
        `storeErrorKind(error) !== "busy" || this.#closed`,
        "true",
      ],
      [
        "another program's lock is waited for without end",
        "if (now - this.#busySince < this.#busyPatienceMs) return true;",
        "return true;",
      ],
      ["a pause is ignored", "if (this.#paused) return this.#turnAfter(this.#paused);", ""],
    ],
  },
  {
    file: "store/outbox/table_outbox.ts",
    faults: [
      [
        "settling a range settles what no longer waits",
        "WHERE ${key} BETWEEN ? AND ? AND ${waiting}`",
        "WHERE ${key} BETWEEN ? AND ?`",
      ],
      [
        "settling a list settles what no longer waits",
        "(SELECT value FROM json_each(?)) AND ${waiting}`",
        "(SELECT value FROM json_each(?))`",
      ],
      ["keys of deleted rows are still known", "if (rows > 0) keys.clear();", ""],
      ["settled rows are not counted off", "count(-Number(changed));", ""],
      ["rejected rows still count as waiting", "count(-gone);", ""],
      ["readmitted rows are not counted", "count(back);", ""],
      ["neighbours are any whole numbers", "key === first + at", 'typeof key === "number"'],
    ],
  },
  {
    file: "store/outbox/retention.ts",
    faults: [
      [
        "the next pass begins where the last one ended",
        "      looked = 0;\n      firstRecent = Infinity;",
        "      firstRecent = Infinity;",
      ],
      [
        "rows from when the clock was ahead end the pass",
        "FILTER (WHERE since >= ?2 AND since <= ?4) AS young",
        "FILTER (WHERE since >= ?2) AS young",
      ],
      [
        "old rows before a young one stay",
        'const end = typeof young === "number" ? young : last + 1;',
        'const end = typeof young === "number" ? looked : last + 1;',
      ],
      [
        "rejected rows are deleted from those that wait",
        "${waiting} AND rejected_at IS NULL AS waited`",
        "${waiting} AS waited`",
      ],
      [
        "what waits goes with the synced",
        "AND CASE WHEN ${waiting} THEN",
        "AND CASE WHEN NOT ${waiting} THEN",
      ],
      [
        "rows behind a young one go",
        'const end = typeof young === "number" ? young : last + 1;',
        "const end = last + 1;",
      ],
      [
        "what waits behind one that may still wait goes",
        "const kept = Math.min(firstRecent, end);",
        "const kept = end;",
      ],
      [
        "one that may still wait keeps others for ever",
        "      looked = 0;\n      firstRecent = Infinity;",
        "      looked = 0;",
      ],
      ["indispensable rows go", "AND ${dispensable}", ""],
      ["the pass takes no heed of its budget", "while (more && budget.left());", "while (more);"],
      ["the newest deleted instant is not handed on", "if (deleted > 0) onDeleted(newest);", ""],
    ],
  },
  {
    file: "store/outbox/rejected.ts",
    faults: [
      [
        "a row that is rejected a second time is counted twice",
        "if (!known) this.#count(stream, 1);",
        "this.#count(stream, 1);",
      ],
      ["attempts are not counted", "attempts = attempts + 1", "attempts = attempts"],
      [
        "a row that is rejected again stays hidden",
        "last_at = excluded.last_at, readmitted = 0`",
        "last_at = excluded.last_at`",
      ],
      [
        "accepted rows stay known as rejected",
        "if (isReadmitted.get(stream)) accepted.run(stream, JSON.stringify(ids));",
        "",
      ],
    ],
  },
];
