import type { FaultyFile } from "../fault.ts";

export const RECORDS_FAULTS: readonly FaultyFile[] = [
  {
    file: "streams/records/queue.ts",
    tests: ["streams/records/queue_test.ts", "streams/records/records_test.ts"],
    faults: [
      [
        "a write after a deletion is an INSERT",
        `return waiting === "INSERT" ? "INSERT" : "UPDATE";`,
        `return waiting === "UPDATE" ? "UPDATE" : "INSERT";`,
      ],
      [
        "a deletion that the cloud must know of is dropped",
        `waiting === "INSERT" && !reachedCloud ? undefined : "DELETE"`,
        `waiting === "INSERT" ? undefined : "DELETE"`,
      ],
      [
        "what was handed out did not reach the cloud",
        "for (const { id } of entries) this.#offered.add(id);",
        "",
      ],
      [
        "a refused entry is dropped with its row of refusal left",
        `else this.#store.rejected.remove("records", rowId(table, recordId));`,
        "",
      ],
    ],
  },
  {
    file: "streams/records/inbox.ts",
    tests: ["streams/records/records_test.ts"],
    faults: [
      [
        "the age of tombstones is in another unit",
        "> tombstoneDays * DAY_MS",
        "> tombstoneDays * 1_000",
      ],
      [
        "an answer to an old entry refuses the new one",
        "refused: open?.id === entry,",
        "refused: true,",
      ],
      [
        "a change is published before the commit",
        'store.afterCommit(() => hub.publish("records", message));',
        'hub.publish("records", message);',
      ],
      ["a push whose answer was lost stays pending", "if (came) queue.drop(table, remote.id);", ""],
      ["rows of another system are taken", "if (remote.systemId !== systemId) return;", ""],
      [
        "what a full reading has not met stays",
        "rows.removeUnmet(table, { reading: reread.number, after: reread.clearedTo })",
        "undefined",
      ],
      [
        "a removal goes on although tombstones were forgotten meanwhile",
        "begun?.clearedTo !== undefined && !this.#isOutdated(table)",
        "begun?.clearedTo !== undefined",
      ],
      [
        "only the first part of a table loses what a full reading has not met",
        "more: !more && !this.#finishReread(table)",
        "more: !more && !this.#finishReread(table) && false",
      ],
      [
        "the cursor is not kept",
        "if (cursor) this.#setCursor.run(table, cursor.updatedAt, cursor.id);",
        "",
      ],
    ],
  },
  {
    file: "streams/records/rows.ts",
    tests: ["streams/records/records_test.ts", "streams/records/api/routes_test.ts"],
    faults: [
      [
        "what was never pushed is removed by a full reading",
        "AND NOT EXISTS (SELECT 1 FROM sync_queue q WHERE q.table_name = r.table_name\n             AND q.record_id = r.record_id AND q.synced_at IS NULL))",
        ")",
      ],
      [
        "what a full reading removes stays counted",
        "this.#count(table, -gone.filter(({ deleted_at }) => deleted_at === null).length);",
        "",
      ],
      [
        "what is undone is counted",
        "this.#store.afterCommit(() => this.#live.get(table)?.add(change));",
        "this.#live.get(table)?.add(change);",
      ],
    ],
  },
  {
    file: "streams/records/api/listing.ts",
    tests: ["streams/records/api/routes_test.ts"],
    faults: [
      [
        "a request reads the whole table",
        "until === undefined && (left.rows <= 0 || left.characters <= 0)",
        "false",
      ],
      [
        "a page of changes begins within the moment that it was to go on from",
        'after?.updatedAt ?? wanted.since, after?.id ?? ""',
        'after?.updatedAt ?? wanted.since, ""',
      ],
      [
        "deleted records come unasked",
        "if (row.deleted_at !== null && !deleted) return false;",
        "",
      ],
    ],
  },
  {
    file: "streams/records/api/filter.ts",
    tests: ["streams/records/api/filter_test.ts"],
    faults: [
      ["numbers are compared as JavaScript rounds them", "parseLossless(data)", "JSON.parse(data)"],
      [
        "a field that is not there is no null",
        'text === "null" || data.includes(text)',
        "data.includes(text)",
      ],
    ],
  },
  {
    file: "streams/records/conflicts.ts",
    tests: ["streams/records/api/routes_test.ts"],
    faults: [["a conflict counts as seen at once", "this.#addUnseen.run(id, table);", ""]],
  },
  {
    file: "streams/records/changes.ts",
    tests: ["streams/records/records_test.ts"],
    faults: [
      [
        "a record is asserted with the stamp of the cloud",
        "instantOf(msOf(over) + 1)",
        "instantOf(msOf(over))",
      ],
    ],
  },
  {
    file: "streams/records/outbox.ts",
    tests: ["streams/records/records_test.ts"],
    faults: [
      ["a batch that failed stays in front", "if (entry) this.#queue.retried(entry.id);", ""],
      [
        "children are inserted before their parents",
        `...tables.map((table) => ({ operation: "INSERT" as const, table })),`,
        `...tables.toReversed().map((table) => ({ operation: "INSERT" as const, table })),`,
      ],
      [
        "parents are deleted before their children",
        `...tables.toReversed().map((table) => ({ operation: "DELETE" as const, table })),`,
        `...tables.map((table) => ({ operation: "DELETE" as const, table })),`,
      ],
    ],
  },
  {
    file: "streams/records/stream.ts",
    tests: ["streams/records/records_test.ts"],
    faults: [
      [
        "what the cloud has is kept for a month",
        "// Settled entries are kept for a day, for a person who looks for the history.\n      const before = instantOf(msOf(now) - DAY_MS);",
        "const before = instantOf(msOf(now) - 30 * DAY_MS);",
      ],
    ],
  },
  {
    file: "streams/records/resolve.ts",
    faults: [
      [
        "an older version of the cloud wins",
        "const newer = remote.updatedAt > local.updatedAt;",
        "const newer = remote.updatedAt < local.updatedAt;",
      ],
      [
        "a deletion beats an edit in the cloud",
        `if (newer || kind === "delete/edit") {`,
        "if (newer) {",
      ],
      [
        "two tombstones are a conflict",
        "(local.deletedAt !== null || sameJson(local.data, remote.data))",
        "sameJson(local.data, remote.data)",
      ],
      [
        "a refused change is sent again as it is",
        'return again ? { ...resolution, action: "push" } : resolution;',
        "return resolution;",
      ],
      ["an equal stamp waits", `equal ? "push" : "keep"`, `"keep"`],
    ],
  },
];
