import type { FaultyFile } from "../fault.ts";

export const CONFIG_FAULTS: readonly FaultyFile[] = [
  {
    file: "config/load.ts",
    faults: [
      ["null for a block is an error", "else if (value !== null) set(draft", "else set(draft"],
      [
        "the variable of a block wins over that of its key",
        "Object.keys(env).sort()",
        "Object.keys(env).sort().reverse()",
      ],
      [
        "a variable wins over a flag",
        "addEnvironment(draft, env);\n  for (const [path, text] of flags) addText(draft, text, { path, source: flagOf(path) });",
        "for (const [path, text] of flags) addText(draft, text, { path, source: flagOf(path) });\n  addEnvironment(draft, env);",
      ],
      ["an unknown key is taken", "else if (!configBlocks.has(path)) {", "else if (false) {"],
      ["a secret is shown", 'isSecret(owner) ? "" : ', ""],
    ],
  },
  {
    file: "config/contradictions.ts",
    tests: ["config/load_test.ts"],
    faults: [
      ["port 0 twice is a contradiction", " && api_port !== 0", ""],
      [
        "ports contradict though attendance is off",
        "attendance.enabled && attendance.port",
        "attendance.port",
      ],
    ],
  },
  {
    file: "config/checks.ts",
    tests: ["config/load_test.ts"],
    faults: [
      ["a password in an address is taken", ` && new URL(text).password === ""`, ""],
      ["24:30 is a time of day", ":[0-5]\\d|24:00)$/", ":[0-5]\\d|24:[0-5]\\d)$/"],
      ["a line break is part of a token", "/^[\\x21-\\x7e]+$/", "/^[\\x21-\\x7e\\s]+$/"],
    ],
  },
  {
    file: "config/settings.ts",
    tests: ["config/settings_test.ts"],
    faults: [
      [
        "a key that needs a restart is taken at once",
        "LIVE.has(path));\n    const needs",
        "true || path);\n    const needs",
      ],
      [
        "a file is read while it is written",
        "if (!settled || state === this.#read) return;",
        "if (state === this.#read) return;",
      ],
      [
        "a deleted file takes the settings with it",
        'if (this.#read === "" && before !== "") throw gone(file.path);',
        "",
      ],
      ["the warning stays when the file is right again", "warnings.clear(INVALID);", ""],
    ],
  },
];
