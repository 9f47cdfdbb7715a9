import type { FaultyFile } from "../fault.ts";

export const ATTENDANCE_FAULTS: readonly FaultyFile[] = [
  {
    file: "streams/attendance/storage/intake.ts",
    tests: ["streams/attendance/storage/intake_test.ts"],
    faults: [
      [
        "punches are not durable",
        "}, { durable: true });",
        "});",
      ],
      [
        "what was undone is remembered",
        "punches.undone();\n          throw error;\n        }\n      }, {",
        "throw error;\n        }\n      }, {",
      ],
      [
        "what could not be stored is acknowledged",
        "return false;\n    }\n    warnings.clear(WARNING);",
        "return true;\n    }\n    warnings.clear(WARNING);",
      ],
      [
        "a slice of a long delivery is left out",
        "from += SLICE_ROWS) {",
        "from += SLICE_ROWS + 1) {",
      ],
    ],
  },
  {
    file: "streams/attendance/storage/punches.ts",
    tests: ["streams/attendance/storage/intake_test.ts"],
    faults: [
      ["known punches count as new", "if (changes === 0) continue;", ""],
      [
        "the time of the last punch is set before the commit",
        "this.#store.afterCommit(() => {\n      this.lastReceivedAt = receivedAt;",
        "this.lastReceivedAt = receivedAt;\n    this.#store.afterCommit(() => {",
      ],
      [
        "a punch is known by its zone as well",
        "`v1|${sn}|${personId}|${deviceTime}`",
        "`v1|${sn}|${personId}|${deviceTime}|${Date.now()}`",
      ],
      [
        "the cloud does not learn what was struck out",
        "struck: struck_by !== null",
        "struck: false",
        ["streams/attendance/supabase_test.ts"],
      ],
    ],
  },
  {
    file: "streams/attendance/protocols/iclock/tables.ts",
    tests: ["streams/attendance/protocols/iclock/tables_test.ts"],
    faults: [
      ["a body that broke off is acknowledged", `if (!next.value.complete) return "hung up";`, ""],
      ["what was not stored is acknowledged", `if (!stored) return "not stored";`, ""],
    ],
  },
  {
    file: "streams/attendance/protocols/aiface/decode.ts",
    faults: [
      [
        "ids of 17 digits lose their last one",
        "if (!/\\d{16}/.test(text)) return JSON.parse(text);",
        "if (!/\\d{20}/.test(text)) return JSON.parse(text);",
      ],
      [
        "ids of 16 digits lose their last one",
        "if (!/\\d{16}/.test(text)) return JSON.parse(text);",
        "if (!/\\d{17}/.test(text)) return JSON.parse(text);",
      ],
      [
        "a stranger's face punches",
        `const NOBODY = new Set(["0", "99999999"]);`,
        `const NOBODY = new Set(["0"]);`,
      ],
    ],
  },
  {
    file: "streams/attendance/protocols/aiface/commands.ts",
    tests: ["streams/attendance/protocols/aiface/commands_test.ts"],
    faults: [
      ["entry is granted", "result: !asksForEntry", "result: true"],
      ["a PIN grants entry", `|| cmd === "sendpin"`, ""],
      [
        "what could not be stored is acknowledged",
        `if (!stored) return { silent: "storage" };`,
        "",
      ],
      [
        "a user that could not be stored is acknowledged",
        `if (!kept) return { silent: "storage" };`,
        "",
        ["streams/attendance/protocols/names_test.ts"],
      ],
    ],
  },
  {
    file: "streams/attendance/storage/people.ts",
    tests: ["streams/attendance/storage/people_test.ts"],
    faults: [
      ["a device that repeats a name is heard", "&& said !== known.said", ""],
      ["a device's name stands against a person's", `known.source === "device" && `, ""],
      ["an import changes what a person has entered", "(isHeld && held !== null)", "false"],
      ["an alias may be two persons'", "this.#requireFree(alias)", "void alias"],
      ["directions are not told of a new id", "this.#options.onRegroup?.(personId)", "void 0"],
      ["the name of an alias is lost", "name ??= this.nameOf(alias);", ""],
      [
        "a change does not wait for the cloud",
        "source = excluded.source, updated_at = excluded.updated_at, synced_at = NULL",
        "source = excluded.source, updated_at = excluded.updated_at",
      ],
    ],
  },
  {
    file: "streams/attendance/people/import.ts",
    tests: ["streams/attendance/people_routes_test.ts"],
    faults: [["a dry run writes", "if (dryRun) throw new Undone();", ""]],
  },
  {
    file: "streams/attendance/people/erasure.ts",
    tests: ["streams/attendance/people/erasure_test.ts"],
    faults: [
      ["rejected punches stay", "outbox.discard(rowIds);", ""],
      ["the outbox counts what was erased", "outbox.removed(", "void ("],
      ["only some punches are erased", "more = rows.length > 0;", "more = false;"],
    ],
  },
  {
    file: "streams/attendance/devices/device_table.ts",
    tests: ["streams/attendance/devices/registry_test.ts"],
    faults: [
      [
        "devices that could not be saved are forgotten",
        "for (const device of devices) this.#unsaved.add(device);",
        "",
      ],
    ],
  },
  {
    file: "streams/attendance/devices/registry.ts",
    faults: [
      [
        "a decision is in memory before it is stored",
        "await this.#store.write(() => {\n      if (moves)",
        "Object.assign(device, decided);\n    await this.#store.write(() => {\n      if (moves)",
      ],
      [
        "an old connection that ends takes the device offline",
        "if (device.link !== link) return;",
        "",
      ],
      [
        "a device stays online for ever",
        "if (device.online && !device.link && now - device.seenAt > ONLINE_MS) {",
        "if (false) {",
      ],
      [
        "an unknown device is let in",
        `const approval = unsupported ?? (unknown === "approve" ? "approved" : "pending");`,
        `const approval = unsupported ?? "approved";`,
      ],
    ],
  },
  {
    file: "streams/attendance/devices/pending.ts",
    faults: [
      [
        "a stranger that was heard before the clock was set back stays for ever",
        "Math.abs(now - (oldest.lastSeenMs ?? 0)) >= STRANGER_MS",
        "now - (oldest.lastSeenMs ?? 0) >= STRANGER_MS",
      ],
      ["two addresses drive each other out", "most.length > own + 1", "most.length > own"],
      ["the newest of the crowd leaves", "? most[0]!", "? most.at(-1)!"],
      [
        "one that is not understood takes no room",
        'approval === "pending" || approval === "unsupported"',
        'approval === "pending"',
      ],
      ["the warning of a full list stays", "if (waiting.length < MAX_PENDING)", "if (false)"],
    ],
  },
  {
    file: "streams/attendance/sync_batch.ts",
    tests: ["streams/attendance/cloud_test.ts"],
    faults: [
      [
        "a punch that changed is taken for a batch sent twice",
        "JSON.stringify(rows)",
        'rows.map(({ id }) => id).join("\\n")',
      ],
    ],
  },
  {
    file: "streams/attendance/people/renamed.ts",
    faults: [
      [
        "punches under another name are not sent again",
        "this.#resend.run(Number(row.seq))",
        "void row",
      ],
      [
        "only the first page is sent again",
        "} while (rows.length === PAGE_ROWS &&",
        "} while (false &&",
      ],
      [
        "one who is renamed meanwhile is not due again",
        "WHERE person_id = ? AND resend = ?",
        "WHERE person_id = ? AND ? > 0",
      ],
    ],
  },
  {
    file: "streams/attendance/storage/people_outbox.ts",
    tests: ["streams/attendance/supabase_test.ts"],
    faults: [
      [
        "what an erased person sent afterwards is lost in the cloud",
        "resendSinceErasure.run(JSON.stringify(ids));",
        "",
      ],
      ["another id does not name its person", "alias_of: owner ?? null", "alias_of: null"],
    ],
  },
  {
    file: "streams/attendance/storage/retention.ts",
    tests: ["streams/attendance/people/retention_test.ts"],
    faults: [
      [
        "a correction does not wait for the cloud",
        "...corrections,",
        "...corrections, unsyncedDays: retentionDays,",
      ],
    ],
  },
  {
    file: "streams/attendance/people/retention.ts",
    faults: [
      [
        "who has left does not wait for the cloud",
        "CASE WHEN synced_at IS NULL THEN ?3 ELSE ?2 END",
        "CASE WHEN synced_at IS NULL THEN ?2 ELSE ?3 END",
      ],
    ],
  },
  {
    file: "streams/attendance/storage/rezone.ts",
    faults: [
      [
        "punches read again are not sent again",
        "time_suspect = ?, synced_at = NULL",
        "time_suspect = ?",
      ],
      [
        "punches read again are not counted",
        "rows.filter(({ settled }) => settled === 1).length,",
        "0,",
      ],
      ["only the first page is read again", "if (rows.length < PAGE_ROWS) break;", "break;"],
    ],
  },
  {
    file: "streams/attendance/storage/quarantine.ts",
    faults: [
      [
        "the same text of two devices is kept once",
        "`${sn}|${protocol}|${text}`",
        "`${protocol}|${text}`",
      ],
      ["photos and secrets are kept", "const text = redactText(raw);", "const text = raw;", [
        "streams/attendance/privacy_test.ts",
        "streams/attendance/storage/quarantine_test.ts",
      ]],
    ],
  },
  {
    file: "streams/attendance/protocols/iclock/router.ts",
    tests: [
      "streams/attendance/protocols/iclock/router_test.ts",
      "streams/attendance/protocols/resync_test.ts",
    ],
    faults: [
      [
        "a full resend is forgotten before it is noted",
        "await intake.forgetStamps(sn);\n      devices.resynced(device);",
        "devices.resynced(device);\n      await intake.forgetStamps(sn);",
      ],
      [
        "a full resend goes on from where the device was",
        `again ? "0" : intake.stamp(sn, table) ?? "0"`,
        `intake.stamp(sn, table) ?? "0"`,
      ],
      [
        "a stranger's punches are acknowledged",
        'status: 503,\n        body: "device not allowed\\n",',
        'status: 200,\n        body: "OK: 1",',
        ["streams/attendance/protocols/iclock/router_test.ts"],
      ],
    ],
  },
  {
    file: "streams/attendance/protocols/aiface/pull_schedule.ts",
    tests: ["streams/attendance/protocols/aiface/pull_schedule_test.ts"],
    faults: [
      [
        "an absence of weeks is made up for by a day",
        "Math.max(Math.min(seen ?? Infinity, clock.now()), longAgo) - DAY_MS;",
        "clock.now() - DAY_MS;",
      ],
      [
        "an absence of months is asked for in one go",
        "Math.max(Math.min(seen ?? Infinity, clock.now()), longAgo) - DAY_MS;",
        "Math.min(seen ?? Infinity, clock.now()) - DAY_MS;",
      ],
    ],
  },
  {
    file: "streams/attendance/protocols/aiface/user_names.ts",
    tests: ["streams/attendance/protocols/ask_names_test.ts"],
    faults: [
      ["a page that repeats is asked for without end", " || group === this.#lastPage", ""],
      ["names that are known are asked for", " && this.#context.nameOf(personId) === null", ""],
    ],
  },
  {
    file: "streams/attendance/devices/names_due.ts",
    tests: ["streams/attendance/protocols/ask_names_test.ts"],
    faults: [
      ["a device is asked as soon as it connects", "- onlineAt < FIRST_MS", "- onlineAt < 0"],
      ["a device is asked all day", ">= INTERVAL_MS", ">= 0"],
    ],
  },
];
