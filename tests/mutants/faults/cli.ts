import type { FaultyFile } from "../fault.ts";

export const CLI_FAULTS: readonly FaultyFile[] = [
  {
    file: "cli/rows.ts",
    faults: [
      ["JSON of no rows is none", `separator === "[\\n" ? "[]\\n" : "\\n]\\n"`, `"\\n]\\n"`],
    ],
  },
  {
    file: "cli/logging.ts",
    faults: [
      [
        "the log waits by a clock that may be set",
        "retryAt = clock.monotonic() + RETRY_MS;",
        "retryAt = clock.now() + RETRY_MS;",
      ],
      [
        "a log that failed once is never tried again",
        "if (!inner && clock.monotonic() < retryAt) return;",
        "if (!inner && reported) return;",
      ],
      [
        "a log that fails is tried with every line",
        "if (!inner && clock.monotonic() < retryAt) return;",
        "",
      ],
    ],
  },
  {
    file: "cli/commands/export.ts",
    faults: [
      ["the first moment of the next day is exported", "at(row) < end)", "at(row) <= end)"],
      [
        "the export ends at the first page with an older row",
        "rows.every((row)",
        "rows.some((row)",
      ],
      ["a year of days is a day short", "addDays(next, PAGE_DAYS - 1)", "addDays(next, PAGE_DAYS)"],
    ],
  },
  {
    file: "cli/follow.ts",
    faults: [
      ["a message without id loses the place", "lastId = id ?? lastId;", "lastId = id;"],
      [
        "a stream that ended begins anywhere",
        `...(lastId === undefined ? {} : { "last-event-id": lastId }),`,
        "",
      ],
    ],
  },
  {
    file: "cli/commands/agent_command.ts",
    tests: ["cli/commands/events_test.ts"],
    faults: [["a command asks before it checks its flags", "check?.(flags, ...args);", ""]],
  },
  {
    file: "cli/client.ts",
    tests: ["cli/commands/export_test.ts"],
    faults: [["a list has its first page only", "next = nextOf(response);", "next = null;"]],
  },
  {
    file: "cli/io.ts",
    tests: ["cli/commands/sync/sync_test.ts"],
    faults: [
      ["Enter agrees", "/^y(es)?$/i", "/^(y(es)?)?$/i"],
      [
        "without a terminal everyone agrees",
        "if (!stderr.terminal) return false;",
        "if (!stderr.terminal) return true;",
      ],
    ],
  },
  {
    file: "cli/commands/sync/sync.ts",
    faults: [
      [
        "a reset with --yes does not say so",
        'yes || lost > 0 ? "true" : undefined',
        'lost > 0 ? "true" : undefined',
      ],
      [
        "sync now that failed ends with 0",
        "if (failed.length > 0) context.process.exitCode = EXIT.failed;",
        "",
      ],
    ],
  },
  {
    file: "cli/commands/run.ts",
    faults: [
      [
        "a forced end is a good one",
        `if (outcome === "forced") context.process.exitCode = EXIT.failed;`,
        `if (outcome === "forced") context.process.exitCode = EXIT.ok;`,
      ],
    ],
  },
  {
    file: "cli/exit.ts",
    faults: [
      ["messages steer the terminal", ".map(harmless)", ""],
      [
        "a locked database is an ordinary failure",
        "return EXIT.alreadyRunning;",
        "return EXIT.failed;",
      ],
      [
        "a broken configuration is an ordinary failure",
        "if (isUserError(error)) return EXIT.usage;",
        "",
      ],
    ],
  },
  {
    file: "cli/commands/sync/rejected.ts",
    faults: [
      ["ids are looked for on the first page only", "if (wanted.size === 0) break;", "break;"],
    ],
  },
  {
    file: "cli/flags.ts",
    faults: [
      [
        "a flag takes the next flag for its value",
        `next?.startsWith("--") ? undefined : next`,
        "next",
      ],
    ],
  },
];
