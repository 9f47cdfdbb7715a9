import type { FaultyFile } from "../fault.ts";

export const DASHBOARD_FAULTS: readonly FaultyFile[] = [
  {
    file: "dashboard/model/zones.ts",
    tests: ["dashboard/model/zones_test.ts", "dashboard/model_test.ts"],
    faults: [
      [
        "a day begins by the offset of another moment",
        "ms = wanted - (wallMs(ms, timeZone) - ms);",
        "",
      ],
      [
        "a day without midnight begins the day before",
        "wallMs(ms, timeZone) < wanted ? ms + 3_600_000 : ms",
        "ms",
      ],
      [
        "moments before 1970 lose their fraction",
        "(((ms % 1000) + 1000) % 1000)",
        "(ms % 1000 + 1000)",
      ],
      ["Sunday begins the week", ".getUTCDay() + 6) % 7", ".getUTCDay()) % 7"],
    ],
  },
  {
    file: "dashboard/model/spans.ts",
    tests: ["dashboard/model/spans_test.ts", "dashboard/model_test.ts"],
    faults: [
      [
        "joined spans end where the second began",
        "{ ...last, to: first.to }",
        "{ ...last, to: first.from }",
      ],
      [
        "a span at the edge of the day is shown",
        "span.to > from && span.from < to)",
        "span.to >= from && span.from <= to)",
      ],
      [
        "a pause of exactly the limit ends no session",
        "span.from - last.to < pauseMs",
        "span.from - last.to <= pauseMs",
      ],
      ["play and pause join", "if (last.playing !== first.playing || ", "if ("],
      ["a heartbeat that comes twice goes back", "if (last && from < last.from) return;", ""],
    ],
  },
  {
    file: "dashboard/model/health.ts",
    tests: ["dashboard/model/health_test.ts", "dashboard/model_test.ts"],
    faults: [
      [
        "offline hides what needs a person",
        'return needsPerson ? { tone: "bad", words: "Needs you" } : {\n        tone: "warn",',
        'return {\n        tone: "warn",',
      ],
      ["refused rows are all synced", "if (rejected > 0) {", "if (false) {"],
    ],
  },
  {
    file: "dashboard/live/today.ts",
    tests: ["dashboard/live/today_test.ts"],
    faults: [
      ["an older loading overwrites a newer one", "if (mine !== loading) return;", ""],
      [
        "what came meanwhile is lost",
        "spans.value = joinSpans(read, newer);",
        "spans.value = read;",
      ],
    ],
  },
  {
    file: "dashboard/page.ts",
    tests: ["dashboard/page_test.ts"],
    faults: [
      ["a secret key is told to the page", "|| !isPublishable(key)) return", ") return"],
      ["the service key of a JWT passes", 'role === "anon"', 'role !== "none"'],
      ["quotes end the attribute", '.replaceAll(\'"\', "&quot;")', ""],
    ],
  },
  {
    file: "dashboard/source/supabase.ts",
    tests: ["dashboard/source/source_contract_test.ts"],
    faults: [
      ["a row of the page before comes again", ",id.gt.${last.id})", ",id.gte.${last.id})"],
      ["days without play are left out", "date <= to; date", "date < to; date"],
      ["undoing grants the same again", "extra_min: -row.extra_min", "extra_min: row.extra_min"],
      [
        "the oldest punch comes first",
        "ascending: false }).limit(limit)",
        "ascending: true }).limit(limit)",
      ],
    ],
  },
  {
    file: "dashboard/model/games.ts",
    faults: [[
      "the least played game comes first",
      "other.minutes_used - one.minutes_used",
      "one.minutes_used - other.minutes_used",
    ]],
  },
  {
    file: "dashboard/model/limit.ts",
    faults: [[
      "a week that is used up counts as the day's limit",
      'limited_by === "week"',
      "limited_by === null",
    ]],
  },
  {
    file: "dashboard/model/json.ts",
    tests: ["dashboard/model/records_test.ts"],
    faults: [["numbers are rounded", "String(value) === literal ? value", "true ? value"]],
  },
  {
    file: "dashboard/model/records.ts",
    tests: ["dashboard/model/records_test.ts"],
    faults: [
      [
        "what is not touched is written too",
        "JSON.stringify(value) !== JSON.stringify(record[name])",
        "true",
      ],
      [
        "a number of the form is rounded",
        "test(text.trim())) return parseExactJson(text);",
        "test(text.trim())) return Number(text);",
      ],
    ],
  },
  {
    file: "dashboard/model/attention.ts",
    tests: ["dashboard/model/attention_test.ts"],
    faults: [[
      "conflicts that were seen want a person still",
      "(records?.conflicts_unseen ?? 0) > 0",
      "records !== undefined",
    ]],
  },
];
