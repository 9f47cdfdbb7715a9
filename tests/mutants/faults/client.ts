import type { FaultyFile } from "../fault.ts";

export const CLIENT_FAULTS: readonly FaultyFile[] = [
  {
    file: "client/seen.ts",
    faults: [
      ["the agent repeats what the cloud gave", "return !known;", "return true;"],
      [
        "neighbours do not join",
        "if (before && before[1] + 1 >= from)",
        "if (before && before[1] >= from)",
      ],
      ["a hole is skipped", "if (from > this.#base + 1) return;", ""],
      [
        "the cloud's repetition is new",
        "if (seq <= this.#base || this.#has(seq)) return false;",
        "if (seq <= this.#base) return false;",
      ],
    ],
  },
  {
    file: "client/connect.ts",
    faults: [
      [
        "a listener that throws stops the others",
        "reportError(error);",
        "reportError(error);\n        return;",
      ],
      [
        "only a page of what was missed is read",
        "if (events.length < PAGE_EVENTS) return;",
        "return;",
      ],
      [
        "an agent whose log is shorter is waited for",
        "else if (base > lastSeq) this.#seen.startAt(lastSeq);",
        "",
      ],
    ],
  },
];
