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
      [
        "what changed on its way is settled",
        "if (keys.has(id)) keys.set(id, undefined);",
        ";",
      ],
      ["neighbours are any whole numbers", "key === first + at", 'typeof key === "number"'],
    ],
  },
  {
    file: "store/outbox/joined_outbox.ts",
    faults: [
      [
        "a row is given out twice",
        "pendingAfter!(offeredOf(part), limit)",
        "pendingAfter!(0, limit)",
      ],
      [
        "rows of the last table are passed over for others that are on their way",
        "given - offered.size)",
        "given)",
      ],
      [
        "a table that backs off is pushed to",
        "if (part.tables.some((table) => skipped.has(table))) continue;",
        "",
      ],
      [
        "a rejected row is looked for in the last table",
        "parts.find(({ tables }) => table !== undefined && tables.includes(table))",
        "last",
      ],
      [
        "one row's answer is taken for another table's",
        "(offered.get(idOf(row)) ?? last) === part",
        "true",
      ],
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
  {
    file: "store/recovery/recovery.ts",
    faults: [
      [
        "the log of a killed agent may be gone without a word",
        "lock.unclean && (statOf(path)?.size ?? 0) > 0",
        "lock.unclean && (statOf(path)?.size ?? 0) < 0",
      ],
      [
        "the report of a killed agent takes the place of the repair's",
        "if (damage !== undefined || repairIn(journal)) return damage;",
        "if (damage !== undefined) return damage;",
      ],
      [
        "damage that the user of a database meets ends the agent",
        'if (kind !== "corrupt" && kind !== "other") throw error;',
        "if (kind !== undefined || kind === undefined) throw error;",
      ],
      [
        "damage that the user of a database meets is forgotten",
        "noteSuspicion(path, errorMessage(error));",
        "",
      ],
      [
        "a database whose user failed stays open",
        "    store.close();\n    throw error;",
        "    throw error;",
      ],
      [
        "a salvage is repeated at every start",
        "if (!repair?.unfinished) return;",
        "if (!repair) return;",
      ],
      ["numbers of lost rows are given again", "afterRestore?.skipNumbers(store);", ""],
    ],
  },
  {
    file: "store/recovery/repair.ts",
    tests: ["store/recovery/recovery_test.ts"],
    faults: [
      [
        "the journal does not know of the repair before the first move",
        '  writeJournal(path, { step: "restoring", repair });\n  if (backup)',
        "  if (backup)",
      ],
      ["a restore overwrites a database that is there", "if (isFile(path)) {", 'if (isFile("")) {'],
      [
        "without a backup the damaged log stays behind",
        "} else if (repair?.movedTo) {\n    moveAside(path, repair.movedTo);\n  }",
        "}",
      ],
      [
        "a backup that was not copied yet counts as restored",
        "} else if (repair?.restoredFrom) {",
        "} else if (repair?.kept) {",
      ],
    ],
  },
  {
    file: "store/recovery/journal.ts",
    faults: [
      [
        "what 0.2.0 noted of a displaced file is ignored",
        'if (displaced !== undefined) return { step: "displaced", finding: displaced };',
        "",
      ],
      [
        "a suspicion forgets the repair that is under way",
        '{ ...known, step: "suspected", finding }',
        '{ step: "suspected", finding }',
      ],
      [
        "a suspicion forgets that the file was displaced",
        'if (known?.step === "displaced") return;',
        "",
      ],
    ],
  },
  {
    file: "store/files.ts",
    tests: ["store/recovery/recovery_test.ts"],
    faults: [["a copy takes its name before the disk has it", "file.syncSync();", ""]],
  },
  {
    file: "store/backup/backup.ts",
    faults: [
      [
        "old backups are removed although the new one failed",
        'if (finding.state === "sound") {\n        await this.#setHours(0);',
        'if (finding.state !== "sound" || finding) {\n        await this.#setHours(0);',
      ],
      [
        "a copy that is damaged gets the name of a backup",
        'if (finding.state === "sound") Deno.renameSync(part, target);',
        "Deno.renameSync(part, target);",
      ],
    ],
  },
  {
    file: "store/lock.ts",
    faults: [
      [
        "a lock file that the last holder removed is taken for the lock",
        'if (Deno.build.os === "windows" || isStillAt(lockPath(path), file)) return file;',
        "return file;",
      ],
    ],
  },
  {
    file: "store/checkpointer.ts",
    faults: [
      ["a checkpoint is in the way of a reader of it all", "this.#held > 0 || ", ""],
      ["the log grows without end", "wal.pages >= RESTART_PAGES &&", "wal.pages < 0 &&"],
    ],
  },
];
