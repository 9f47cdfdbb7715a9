import type { FaultyFile } from "../fault.ts";

export const SHEETS_FAULTS: readonly FaultyFile[] = [
  {
    file: "contract/csv.ts",
    faults: [
      ["CR in a field is not quoted", `/[",\\r\\n]/`, `/[",\\n]/`],
      ["quotes in a field are not doubled", `text.replaceAll('"', '""')`, "text"],
      ["formulas that begin with @ run", "[=+\\-@\\t\\r]", "[=+\\-\\t\\r]"],
    ],
  },
  {
    file: "streams/attendance/sheets/direction.ts",
    faults: [
      ["a second tap is the way out", "gapMs <= REPEAT_MS", "gapMs < 0"],
      ["no stay is too long", "&& gapMs <= maxStayMs", ""],
      ["the first punch is an exit", `: "in";`, `: "out";`],
      ["one accidental AiFace 0 means something", "(bits & ~1) !== 0", "bits !== 0"],
    ],
  },
  {
    file: "streams/attendance/sheets/stays.ts",
    faults: [
      ["a second tap ends a stay", "if (repeats) continue;", ""],
      ["a stay of days", "&& punch.atMs - entry.atMs <= maxStayMs", ""],
      [
        "a forgotten exit is forgotten",
        "if (entry) stays.push({ in: entry, out: null });\n    entry",
        "entry",
      ],
      ["presence never ends", "|| nowMs - last.in.atMs > maxStayMs", ""],
    ],
  },
  {
    file: "streams/attendance/sheets/day_sheets.ts",
    faults: [
      [
        "a night shift belongs to the day it ended",
        "(stay.in ?? stay.out).device",
        "(stay.out ?? stay.in).device",
      ],
      ["who is inside has forgotten the exit", "!stay.out && !mayBeInside(stay)", "!stay.out"],
      ["the last day is left out", "date <= to", "date < to"],
    ],
  },
  {
    file: "streams/attendance/sheets/directions.ts",
    faults: [
      [
        "a late punch changes nothing behind it",
        `if (place === "before others") this.redecide(person, at, at);`,
        "",
      ],
      [
        "what has changed is not sent again",
        "direction_by = ?, synced_at = NULL WHERE",
        "direction_by = ? WHERE",
      ],
      [
        "a new role is not applied",
        "if (device.punchesDecidedBy !== decidedBy(device)) await",
        "if (false) await",
      ],
      ["wrong times decide for others", `if (row.counts === 1 && direction) {`, "if (direction) {"],
    ],
  },
  {
    file: "streams/attendance/sheets/sheets.ts",
    tests: [
      "streams/attendance/sheets/office_month_test.ts",
      "streams/attendance/sheets/routes_test.ts",
    ],
    faults: [
      [
        "the night before the first day is not read",
        "MAX_OFFSET_MS - maxStayMs,",
        "MAX_OFFSET_MS,",
      ],
      ["the last night shift is cut", "+ MAX_OFFSET_MS + maxStayMs,", ","],
      ["who came later was inside already", "toMs: nowMs + 1 }", "toMs: nowMs + 864e5 }"],
    ],
  },
  {
    file: "streams/attendance/sheets/punch_reader.ts",
    tests: [
      "streams/attendance/sheets/office_month_test.ts",
      "streams/attendance/sheets/routes_test.ts",
    ],
    faults: [
      ["a person's second id is left out", "of people.idsOf(person)) {", "of [person]) {"],
      ["seconds are read wrong", "- 528;", "- 529;"],
    ],
  },
  {
    file: "streams/attendance/sheets/pieces.ts",
    tests: ["streams/attendance/sheets/routes_test.ts"],
    faults: [["rows run into each other", 'separator = ",";', 'separator = "";']],
  },
  {
    file: "streams/attendance/sheets/uncertain.ts",
    tests: ["streams/attendance/sheets/routes_test.ts"],
    faults: [
      ["who left by an exit may be inside", `punch.direction === "out" || `, ""],
      ["a later punch with a right time says nothing", "last.atMs >= msOf(receivedAt)", "false"],
    ],
  },
];
