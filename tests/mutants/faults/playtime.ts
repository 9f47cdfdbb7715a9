import type { FaultyFile } from "../fault.ts";

export const PLAYTIME_FAULTS: readonly FaultyFile[] = [
  {
    file: "streams/playtime/recompute.ts",
    faults: [
      ["heartbeats that come meanwhile are lost from their day", "while (readPage());", ""],
      [
        "a raise lowers slots that know of more",
        "|| (atLeast && (minutes ?? 0) > minutesOfMs(ms))) continue;",
        ") continue;",
      ],
      ["a raise lowers days that know of more", "let changed = !more && (", "let changed = ("],
      [
        "a raise removes slots without heartbeats",
        "if (sums.has(slot_utc) || atLeast) continue;",
        "if (sums.has(slot_utc)) continue;",
      ],
      [
        "a day half of which was deleted is made again from the rest",
        `if (sums.day < (completeFrom(store) ?? "")) return "incomplete";`,
        "",
      ],
      [
        "a day loses the allowance it had",
        "known ? known.allowance_min : allowanceOn(allowance, day)",
        "allowanceOn(allowance, day)",
      ],
    ],
  },
  {
    file: "streams/playtime/days/days.ts",
    faults: [
      [
        "the day of a zone takes the next UTC day in",
        "to: dayAt(span.to - 1) }",
        "to: dayAt(span.to) }",
      ],
      [
        "a heartbeat of the next day is the day's last",
        "msOf(instant) >= from && msOf(instant) < to)",
        "msOf(instant) >= from)",
      ],
      [
        "the last of several days is left out",
        "daysBetween(from, to) + 1 }",
        "daysBetween(from, to) }",
      ],
    ],
  },
  {
    file: "streams/playtime/days/today.ts",
    tests: ["streams/playtime/days/today_test.ts"],
    faults: [
      [
        "midnight belongs to both days",
        "return ms >= from && ms < to;",
        "return ms >= from && ms <= to;",
      ],
      [
        "a new day begins with the minutes of the last",
        "if (!this.#sums || !isWithin(this.#sums.day.span, now))",
        "if (!this.#sums)",
      ],
      [
        "the slots are not read again",
        "forget(): void {\n    this.#sums = undefined;",
        "forget(): void {",
      ],
    ],
  },
  {
    file: "streams/playtime/allowance/balance.ts",
    tests: [
      "streams/playtime/allowance/grants_test.ts",
      "streams/playtime/days/today_test.ts",
    ],
    faults: [
      [
        "minutes left go below zero",
        "balanceMin === null ? null : Math.max(0, balanceMin)",
        "balanceMin",
      ],
      ["the looser limit counts", "ofWeek < ofDay", "ofWeek > ofDay"],
      ["grants are left out", "+ sums.grantedMs ", ""],
    ],
  },
  {
    file: "streams/playtime/allowance/thresholds.ts",
    tests: [
      "streams/playtime/allowance/thresholds_test.ts",
      "streams/playtime/allowance/history_test.ts",
    ],
    faults: [
      ["thresholds fire in any order", ".sort((a, b) => b - a)", ""],
      ["a threshold that is reached exactly does not fire", "after <= each &&", "after < each &&"],
      [
        "what was not played today is over today",
        "Math.max(balance_min, -used_min)",
        "balance_min",
      ],
      [
        "a threshold's key is the same every day",
        '["allowance", deviceId, date,',
        '["allowance", deviceId,',
      ],
    ],
  },
  {
    file: "streams/playtime/allowance/book.ts",
    tests: [
      "streams/playtime/allowance/grants_test.ts",
      "streams/playtime/allowance/thresholds_test.ts",
    ],
    faults: [
      [
        "a day without play is told of its thresholds",
        "balance.used_min === 0 || ",
        "",
      ],
      ["a grant fires nothing", "      this.#check();\n", ""],
      ["a key makes a grant each time", "key === null ? ids() : ", "ids() ?? "],
      [
        "the overdraft of the day stays",
        "if (!rollup) continue;",
        "if (rollup !== null) continue;",
      ],
      ["a grant of any day is taken", "this.#checkDate(date);", ""],
      ["today is not read again after a grant", "onGranted();", ""],
    ],
  },
  {
    file: "streams/playtime/heartbeats/recorder.ts",
    tests: ["streams/playtime/heartbeats/recorder_test.ts"],
    faults: [
      [
        "heartbeats leave the queue before the commit",
        "await this.#store.write(() => {\n        for (const { heartbeat",
        "this.#waiting.splice(0, batch.length);\n      await this.#store.write(() => {\n        for (const { heartbeat",
      ],
      [
        "the queue has no end",
        "if (this.#waiting.length > MAX_WAITING) this.#waiting.splice(this.#taken, 1);",
        "",
      ],
      ["a failure is logged at every look", "if (String(error) === this.#failure) return;", ""],
      ["the warning stays", "warnings.clear(WAITING);", ""],
      [
        "a heartbeat is written twice",
        "return this.#writing ??= this",
        "return this.#writing = this",
      ],
    ],
  },
  {
    file: "streams/playtime/stream.ts",
    tests: ["streams/playtime/stream_test.ts", "streams/playtime/recompute_test.ts"],
    faults: [
      [
        "today is not read again after a recompute",
        "this.#recomputing = undefined;\n        this.#today.forget();",
        "this.#recomputing = undefined;",
      ],
      [
        "a look that failed counts as not playing",
        "this.#session.unknown();",
        "this.#session.idle();",
      ],
    ],
  },
  {
    file: "streams/playtime/heartbeats/heartbeats.ts",
    tests: ["streams/playtime/heartbeats/heartbeats_test.ts"],
    faults: [
      [
        "gaps of deleted rows lead astray",
        "const next = this.after(middle - 1, 1)[0];",
        "const next = this.after(middle - 1, 1).find(({ seq }) => seq === middle);",
      ],
      [
        "time without play is credited",
        "heartbeat.is_playing ? Math.round(heartbeat.poll_interval_sec * 1000) : 0",
        "Math.round(heartbeat.poll_interval_sec * 1000)",
      ],
    ],
  },
  {
    file: "streams/playtime/games/game_slots.ts",
    tests: ["streams/playtime/games/games_test.ts"],
    faults: [
      [
        "recompute adds what is there already",
        "known.reduce((rest, row) => rest - Number(row.ms), ms)",
        "ms",
      ],
    ],
  },
  {
    file: "streams/playtime/days/slots.ts",
    tests: ["streams/playtime/games/games_test.ts"],
    faults: [
      [
        "a renamed game loses its minutes",
        "max(minutes_used, excluded.minutes_used)",
        "minutes_used",
      ],
    ],
  },
  {
    file: "streams/playtime/games/days.ts",
    tests: ["streams/playtime/games"],
    faults: [
      [
        "days begin at midnight everywhere",
        "dayBounds(date, timeZone, startsAt)",
        "dayBounds(date, timeZone)",
      ],
      [
        "an allowance of a game goes below zero",
        "Math.max(0, msOfMinutes(allowanceMin) - usedMs)",
        "msOfMinutes(allowanceMin) - usedMs",
      ],
    ],
  },
  {
    file: "streams/playtime/processes/matchers.ts",
    tests: ["streams/playtime/processes/matchers_test.ts"],
    faults: [
      [
        "a process counts for two games",
        "if (counted.has(pid) || !fits(process)) continue;",
        "if (!fits(process)) continue;",
      ],
      ["games have no end", "if (games.size === MAX_GAMES) return [...games.values()];", ""],
    ],
  },
  {
    file: "streams/playtime/allowance/inbox.ts",
    faults: [
      [
        "a grant for another machine counts here",
        "if (row.device_id !== deviceId) continue;",
        "",
      ],
      [
        "a grant of the cloud for any day counts",
        "if (days !== undefined) return",
        "if (false) return",
      ],
      [
        "a grant of the cloud is held against today",
        'dayAt(msOf(created_at), "UTC")',
        'dayAt(msOf(at), "UTC")',
      ],
      [
        "an undo of the cloud takes away any minutes",
        "one.extra_min === -other.extra_min &&",
        "",
      ],
      ["a grant of the cloud is sent back", "synced_at: at };", "synced_at: null };"],
      [
        "the cloud's grants are read from the beginning each time",
        "if (cursor) this.#setCursor",
        "if (false && cursor) this.#setCursor",
      ],
    ],
  },
  {
    file: "streams/playtime/outboxes.ts",
    faults: [
      [
        "an endpoint gets grants between heartbeats",
        "const all = twoWay",
        "const all = true",
      ],
    ],
  },
  {
    file: "streams/playtime/allowance/limits.ts",
    tests: [
      "streams/playtime/allowance/grants_test.ts",
      "streams/playtime/allowance/inbox_test.ts",
    ],
    faults: [
      ["a script fills the table", "MAX_GRANTS_A_DAY = 100", "MAX_GRANTS_A_DAY = 1e9"],
      ["the cloud fills the table", "A_DAY = 1_000", "A_DAY = 1e9"],
    ],
  },
  {
    file: "streams/playtime/allowance/desktop.ts",
    faults: [
      ["a label can be an option", '"--", body]', "body]"],
      ["every message of the hub is shown", 'topic === "allowance" ?', "topic !== null ?"],
      ["of two games one is shown", "due.set(event.symbol, event)", "due.set(null, event)"],
      ["a desktop that is back keeps its warning", "warnings.clear(FAILED)", "wake.reset()"],
      [
        "a program may take for ever",
        "new Deadline({ ms: TIMEOUT_MS, signal, clock })",
        "new Deadline({ signal, clock })",
      ],
    ],
  },
];
