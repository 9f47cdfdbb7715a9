import type { FaultyFile } from "../fault.ts";

export const REMOTES_FAULTS: readonly FaultyFile[] = [
  {
    file: "remotes/supabase/pull.ts",
    tests: ["remotes/supabase/cursor_test.ts"],
    faults: [
      ["the cursor rests at the newest row", "const OVERLAP_MS = 60_000;", "const OVERLAP_MS = 0;"],
      [
        "a full page is the last",
        "more: last !== undefined,",
        "more: data.length > MAX_ROWS,",
      ],
      [
        "the cursor rests by this machine's clock",
        "this.#project.serverNow() - OVERLAP_MS",
        "Date.now() - OVERLAP_MS",
      ],
      [
        "a resting cursor keeps the id of a row",
        `{ updatedAt: instantOf(latestMs), id: "" }`,
        "{ updatedAt: instantOf(latestMs), id: reached.id }",
      ],
      [
        "the row at the cursor is read again",
        "${key}.gt.${quoted(id)}",
        "${key}.gte.${quoted(id)}",
      ],
      ["rows of one moment have no order", "query.order(column).order(key)", "query.order(column)"],
      [
        "rows of other systems are read",
        `.eq("system_id", this.#options.systemId).lt(column, END_OF_TIME)`,
        ".lt(column, END_OF_TIME)",
      ],
    ],
  },
  {
    file: "remotes/supabase/push.ts",
    faults: [
      [
        "records that the cloud kept are accepted",
        "accepted: ids.filter((id) => written.has(id)),",
        "accepted: ids,",
      ],
    ],
  },
  {
    file: "remotes/supabase/table_profile.ts",
    tests: ["remotes/supabase/push_test.ts"],
    faults: [
      [
        "42501 on records turns into a plain insert",
        "if (rules.key !== undefined) return false;",
        "if (rules.key !== undefined) return (profile.conflict = candidates.length) > 0;",
      ],
      [
        "an earlier schema stops punches",
        "...optional, ...later]",
        "...optional]",
        ["streams/attendance/supabase_test.ts"],
      ],
    ],
  },
  {
    file: "remotes/supabase/token_store.ts",
    faults: [
      [
        "the same IV each time",
        "crypto.getRandomValues(new Uint8Array(IV_BYTES))",
        "new Uint8Array(IV_BYTES)",
      ],
      ["the session is written in place", "const aside = `${path}.new`;", "const aside = path;"],
      [
        "others may read the session",
        '{ mode: 0o600 });\n  if (Deno.build.os !== "windows") await Deno.chmod(aside, 0o600);',
        "{ mode: 0o644 });",
      ],
      ["a key of any length is a key", "return bytes(text).length === KEY_BYTES;", "return true;"],
      [
        "sessions are written at once",
        "const turn = last.then(work, work);",
        "const turn = work();",
      ],
    ],
  },
  {
    file: "remotes/supabase/query.ts",
    faults: [
      [
        "a backslash in an id is not escaped",
        `text.replaceAll("\\\\", "\\\\\\\\").replaceAll`,
        "text.replaceAll",
      ],
      ["a quote in an id is not escaped", `.replaceAll('"', '\\\\"')`, ""],
      [
        "received_at is part of the record",
        "...unmarked(fields) as CloudRow,",
        "...unmarked(fields) as CloudRow,\n      received_at,",
      ],
      [
        "an address has no limit",
        "const MAX_QUERY_CHARS = 4_000;",
        "const MAX_QUERY_CHARS = 4_000_000;",
      ],
      [
        "a row without a stamp of its own has none",
        "isStamp(updated_at) ? updated_at : received_at",
        "updated_at",
      ],
    ],
  },
  {
    file: "remotes/supabase/errors.ts",
    faults: [
      ["a missing sign-in is a broken table", "if (status === 401) return signIn;", ""],
      [
        "a refused row is a missing right",
        `if (code === "42501" && message.includes("row-level security")) return bisect;`,
        "",
      ],
      [
        "messages quote rows",
        "...(known !== undefined && quotesNoRow(shape) ? [message] : []),",
        "message,",
      ],
      [
        "the shortest prefix of a code decides",
        "for (let length = code.length; length > 0; length--) {",
        "for (let length = 1; length <= code.length; length++) {",
      ],
    ],
  },
  {
    file: "remotes/supabase/account.ts",
    tests: ["remotes/supabase/account_test.ts"],
    faults: [
      [
        "lanes sign in one by one",
        "return this.#signingIn ??= this",
        "return this.#signingIn = this",
      ],
      [
        "systems are not registered for another account",
        "this.#memberships.clear();\n    this.#registeredMs = -Infinity;",
        "",
      ],
      [
        "a passing failure of a refresh asks for a sign-in",
        "if (!error || !isTransient(error)) return;",
        "if (!error || isTransient(error)) return;",
      ],
      [
        "a refresh that failed is remembered by the wall clock",
        "Object.assign(this.#project.client.auth, { lastRefreshFailure: null });",
        "",
      ],
      [
        "a passing failure before a refresh asks for a sign-in",
        "this.#requireRefreshed(error);\n    if (session) {",
        "if (session) {",
      ],
      [
        "a registration without an answer counts",
        "for (const system of open) await this.register(system);\n    this.#registeredMs = this.#clock.monotonic();",
        "this.#registeredMs = this.#clock.monotonic();\n    for (const system of open) await this.register(system);",
      ],
    ],
  },
  {
    file: "remotes/supabase/project.ts",
    tests: ["remotes/supabase/account_test.ts"],
    faults: [
      [
        "an answer leaves the Retry-After of an older one",
        "this.#retryAfterMs = retryAfterMs(headers, receivedAt);",
        "this.#retryAfterMs = retryAfterMs(headers, receivedAt) ?? this.#retryAfterMs;",
      ],
    ],
  },
  {
    file: "remotes/endpoint/answer.ts",
    faults: [
      [
        "rows that are not named are accepted",
        `return { accepted: list(value.accepted, "accepted").map(String), rejected };`,
        "return { accepted: all(), rejected };",
      ],
      ["rejected rows are accepted as well", "all().filter((id) => !refused.has(id))", "all()"],
      [
        "JSON that broke off accepts everything",
        `throw new SyntaxError("it is no whole JSON");`,
        "return {};",
      ],
      ["a code may be any text", "/^[\\w.:-]{1,64}$/.test(code)", 'code !== ""'],
    ],
  },
];
