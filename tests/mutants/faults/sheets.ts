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
      ["the last day is left out", "date > to", "date >= to"],
    ],
  },
];
