import assert from "node:assert/strict";
import { Warnings } from "../../../../src/core/mod.ts";
import { FakeClock, settled } from "../../../support/fakes/fake_clock.ts";
import {
  CRITICAL,
  type EventsBench,
  eventsBench,
  sampleEvent,
  storedEvents,
} from "../../../support/events.ts";

/** What a refusal says. */
interface Refusal {
  title: string;
  status: number;
  detail: string;
  errors?: { index: number; line?: number; errors: { field: string; message: string }[] }[];
}

Deno.test("POST /local/events stores one event and answers with its seq", async () => {
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  using bench = eventsBench({ clock });
  const { accepted } = await bench.post(
    sampleEvent({ ts: "2026-03-02T12:59:59.123456+01:00", idempotency_key: "order-1" }),
  );
  const [first] = accepted;
  assert.equal(accepted.length, 1);
  assert.deepEqual(first, {
    id: first?.id,
    seq: 1,
    idempotency_key: "order-1",
    duplicate: false,
  });
  assert.deepEqual(storedEvents(bench.store).map((row) => ({ ...row })), [{
    id: first?.id,
    mode: "live",
    ts: "2026-03-02T11:59:59.123Z",
    seq: 1,
    source: "bot",
    type: "trade",
    subtype: "ORDER_PLACED",
    symbol: "BTC-USD",
    severity: "info",
    body: "Placed an order",
    meta_json: '{"price":60123.45}',
    idempotency_key: "order-1",
    flushed: 0,
    created_at: "2026-03-02T12:00:00.000Z",
    rejected_at: null,
  }]);
});

Deno.test("POST /local/events makes what an event leaves out", async () => {
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  using bench = eventsBench({ clock });
  const { accepted } = await bench.post(
    { mode: "paper", source: "bot", type: "sys", subtype: "START", body: "" },
  );
  const [row] = storedEvents(bench.store);
  assert.equal(row?.ts, "2026-03-02T12:00:00.000Z");
  assert.equal(row?.severity, "info");
  assert.equal(row?.symbol, null);
  assert.equal(row?.meta_json, "{}");
  assert.equal(row?.idempotency_key, accepted[0]?.id);
});

Deno.test("POST /local/events counts each mode by itself, in the order of a list", async () => {
  using bench = eventsBench();
  const { accepted } = await bench.post(
    ["live", "paper", "live", "live", "paper"].map((mode) => sampleEvent({ mode })),
  );
  assert.deepEqual(accepted.map(({ seq }) => seq), [1, 1, 2, 3, 2]);
});

Deno.test("POST /local/events takes a line each, blank ones and a last one without its end", async () => {
  using bench = eventsBench();
  const lines = [1, 2, 3].map((n) => JSON.stringify(sampleEvent({ body: `line ${n}` })));
  const response = await bench.ask("/local/events", {
    method: "POST",
    body: `${lines[0]}\r\n\n${lines[1]}\n  \n${lines[2]}`,
    headers: { "content-type": "application/x-ndjson; charset=utf-8" },
  });
  assert.equal(response.status, 200);
  assert.deepEqual(storedEvents(bench.store).map(({ body }) => body), [
    "line 1",
    "line 2",
    "line 3",
  ]);
});

Deno.test("POST /local/events answers an empty list with an empty list", async () => {
  using bench = eventsBench();
  assert.deepEqual(await bench.post([]), { accepted: [] });
});

Deno.test("POST /local/events gives a repeated idempotency_key its first seq, and no number is lost", async () => {
  using bench = eventsBench();
  await bench.post([sampleEvent({ idempotency_key: "a" }), sampleEvent({ idempotency_key: "b" })]);
  const { accepted } = await bench.post([
    sampleEvent({ idempotency_key: "c" }),
    sampleEvent({ idempotency_key: "a", body: "said again" }),
    sampleEvent({ idempotency_key: "d" }),
    sampleEvent({ idempotency_key: "c" }),
    sampleEvent(),
  ]);
  assert.deepEqual(accepted.map(({ seq, duplicate }) => [seq, duplicate]), [
    [3, false],
    [1, true],
    [4, false],
    [3, true],
    [5, false],
  ]);
  const rows = storedEvents(bench.store);
  assert.deepEqual(rows.map(({ seq }) => seq), [1, 2, 3, 4, 5]);
  assert.equal(rows[0]?.body, "Placed an order");
  assert.equal(accepted[1]?.id, rows[0]?.id);
});

Deno.test("POST /local/events finds repeated keys in long lists of both modes", async () => {
  using bench = eventsBench();
  const list = Array.from({ length: 350 }, (_, index) =>
    sampleEvent({
      mode: index % 3 === 0 ? "paper" : "live",
      // Every 50th event from the second hundred on repeats the one before it of its mode.
      idempotency_key: index > 100 && index % 50 === 0
        ? `key-${index - (index % 3 === 2 ? 1 : 3)}`
        : `key-${index}`,
    }));
  const { accepted } = await bench.post(list);
  const repeated = accepted.flatMap(({ duplicate }, index) => duplicate ? [index] : []);
  assert.deepEqual(repeated, [150, 200, 250, 300]);
  const rows = storedEvents(bench.store);
  assert.equal(rows.length, 346);
  for (const mode of ["live", "paper"]) {
    const seqs = rows.filter((row) => row.mode === mode).map(({ seq }) => seq);
    assert.deepEqual(seqs, seqs.map((_, index) => index + 1));
  }
  const again = await bench.post(list);
  assert.ok(again.accepted.every(({ duplicate }) => duplicate));
  assert.deepEqual(again.accepted.map(({ seq }) => seq), accepted.map(({ seq }) => seq));
  assert.equal((await bench.post(sampleEvent())).accepted[0]?.seq, 232);
});

Deno.test("POST /local/events gives concurrent requests numbers without gaps", async () => {
  using bench = eventsBench();
  const answers = await Promise.all(
    Array.from(
      { length: 40 },
      (_, writer) => bench.post(Array.from({ length: writer % 4 + 1 }, () => sampleEvent())),
    ),
  );
  const seqs = answers.flatMap(({ accepted }) => accepted.map(({ seq }) => seq));
  assert.deepEqual(seqs, seqs.map((_, index) => index + 1));
});

Deno.test("POST /local/events keeps the idempotency_keys of each mode by themselves", async () => {
  using bench = eventsBench();
  const sent = ["live", "paper", "live"].map((mode) => sampleEvent({ mode, idempotency_key: "a" }));
  const { accepted } = await bench.post(sent);
  assert.deepEqual(accepted.map(({ seq, duplicate }) => [seq, duplicate]), [
    [1, false],
    [1, false],
    [1, true],
  ]);
  assert.equal(accepted[2]?.id, accepted[0]?.id);
  assert.equal(storedEvents(bench.store).length, 2);
  assert.ok((await bench.post(sent)).accepted.every(({ duplicate }) => duplicate));
});

Deno.test.each(
  [
    ["the same", {}, undefined],
    ["another type", { type: "x" }, true],
    ["another subtype", { subtype: "x" }, true],
    ["another symbol", { symbol: "x" }, true],
    ["no symbol", { symbol: null }, true],
    ["another body", { body: "x" }, true],
    ["another time, source, severity and meta", {
      ts: "2026-03-02T12:00:00.000Z",
      source: "x",
      severity: "error",
      meta: {},
    }, undefined],
  ] as const,
)(
  "POST /local/events with a repeated key and %s says whether it matches",
  async (_, changes, mismatch) => {
    using bench = eventsBench({ clock: new FakeClock("2026-03-02T12:00:00.000Z") });
    await bench.post(sampleEvent({ idempotency_key: "a" }));
    const { accepted: [again] } = await bench.post(
      sampleEvent({ idempotency_key: "a", ...changes }),
    );
    assert.equal(again?.duplicate, true);
    assert.equal(again?.mismatch, mismatch);
    assert.equal(storedEvents(bench.store).length, 1);
  },
);

Deno.test("A key that is used for different events is warned of once, without what it says", async () => {
  const warnings = new Warnings();
  using bench = eventsBench({ warnings });
  await bench.post(["a", "b"].map((key) => sampleEvent({ idempotency_key: `secret-${key}` })));
  await bench.post(sampleEvent({ idempotency_key: "secret-b" }));
  assert.deepEqual(warnings.list(), []);
  for (const key of ["b", "a", "b"]) {
    await bench.post(sampleEvent({ idempotency_key: `secret-${key}`, body: "another" }));
  }
  const [warning, ...others] = warnings.list();
  assert.deepEqual(others, []);
  assert.equal(warning?.code, "events.mismatch");
  assert.match(warning?.message ?? "", /only the first was stored \(mode "live", seq 2\)/);
  assert.doesNotMatch(warning?.message ?? "", /secret|another/);
});

const now = Date.parse("2026-03-02T12:00:00.000Z");
const day = 86_400_000;
const iso = (ms: number) => new Date(ms).toISOString();

Deno.test.each(
  [
    ["an unknown mode", { mode: "demo" }, "mode", "expected one of paper, live"],
    ["a mode of another type", { mode: 1 }, "mode", "expected one of paper, live"],
    ["no mode", { mode: undefined }, "mode", "missing"],
    ["an empty source", { source: "" }, "source", "expected text of 1 to 200 characters"],
    ["a long type", { type: "x".repeat(201) }, "type", "expected text of 1 to 200 characters"],
    ["a number as subtype", { subtype: 7 }, "subtype", "expected text of 1 to 200 characters"],
    ["no subtype", { subtype: undefined }, "subtype", "missing"],
    ["an empty symbol", { symbol: "" }, "symbol", "expected text of 1 to 200 characters"],
    [
      "an unknown severity",
      { severity: "loud" },
      "severity",
      "expected one of debug, info, success, warning, error, critical",
    ],
    [
      "a body with a structure",
      { body: { a: 1 } },
      "body",
      "expected text; what has a structure goes into meta",
    ],
    ["a long body", { body: "x".repeat(65_537) }, "body", "expected at most 65536 characters"],
    ["a body with a NUL", { body: "a\0b" }, "body", "expected text without the character U+0000"],
    ["a name with a NUL", { source: "a\0b" }, "source", undefined],
    ["a list as meta", { meta: [1] }, "meta", "expected an object"],
    [
      "a meta_json that is no JSON",
      { meta: undefined, meta_json: "{'a': 1}" },
      "meta_json",
      undefined,
    ],
    ["a meta_json that is a list", { meta: undefined, meta_json: "[1]" }, "meta_json", undefined],
    [
      "a large meta_json",
      { meta: undefined, meta_json: JSON.stringify({ text: "x".repeat(65_530) }) },
      "meta_json",
      undefined,
    ],
    [
      "meta and meta_json",
      { meta: {}, meta_json: "{}" },
      "meta_json",
      "expected meta or meta_json, not both",
    ],
    ["an id that is no UUID", { id: "e-1" }, "id", undefined],
    [
      "half a surrogate pair in a key",
      { idempotency_key: "a\ud800" },
      "idempotency_key",
      "expected text without half a surrogate pair",
    ],
    ["half a surrogate pair in a name", { type: "\udc00" }, "type", undefined],
    [
      "a large meta",
      { meta: { text: "x".repeat(65_536) } },
      "meta",
      "expected at most 65536 characters of JSON",
    ],
    ["a day without a time", { ts: "2026-03-02" }, "ts", undefined],
    ["a day that is none", { ts: "2026-02-30T12:00:00.000Z" }, "ts", undefined],
    ["seconds since 1970", { ts: 1_772_452_800 }, "ts", undefined],
    ["null as time", { ts: null }, "ts", undefined],
    [
      "an ancient time",
      { ts: "1970-01-21T12:20:52.800Z" },
      "ts",
      "expected a time from the year 2000 to a day from now",
    ],
    [
      "a future time",
      { ts: iso(now + day + 1) },
      "ts",
      "expected a time from the year 2000 to a day from now",
    ],
    ["an empty key", { idempotency_key: "" }, "idempotency_key", undefined],
    ["a number as key", { idempotency_key: 5 }, "idempotency_key", undefined],
    [
      "a field that is not known",
      { sevrity: "info" },
      "sevrity",
      "not known here; known: id, mode, ts, source, type, subtype, symbol, severity, body, meta, meta_json, idempotency_key",
    ],
    ["a number of the log", { seq: 5 }, "seq", undefined],
  ] as const,
)("POST /local/events refuses %s and names it", async (_, changes, field, message) => {
  const clock = new FakeClock(now);
  using bench = eventsBench({ clock });
  const response = await bench.ask("/local/events", {
    method: "POST",
    json: [sampleEvent(), sampleEvent(changes), sampleEvent()],
  });
  assert.equal(response.status, 422);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const { title, errors, detail }: Refusal = await response.json();
  assert.equal(title, "Invalid events");
  assert.deepEqual(errors?.map(({ index }) => index), [1]);
  const flaw = errors?.[0]?.errors[0];
  assert.equal(flaw?.field, field);
  if (message !== undefined) assert.equal(flaw?.message, message);
  assert.ok(detail.startsWith(`event 1, "${field}": ${flaw?.message}. Nothing was stored`), detail);
  assert.equal(storedEvents(bench.store).length, 0);
  assert.equal((await bench.post(sampleEvent())).accepted[0]?.seq, 1);
});

Deno.test.each(
  [
    ["a time at the edge of the past", { ts: "2000-01-01T00:00:00.000Z" }],
    ["a time at the edge of the future", { ts: iso(now + day) }],
    ["the last day of a month", { ts: "2024-02-29T00:00:00.000Z" }],
    ["a time with an offset and no seconds", { ts: "2026-03-02T05:00-07:00" }],
    ["names at their longest", { source: "x".repeat(200), type: "é".repeat(200) }],
    ["a body at its longest", { body: "x".repeat(65_536) }],
    ["text of every kind", {
      body: "\u0001\u2028\ud83d\ude00\n",
      meta: { "\u0000": ["\u0000", {}] },
    }],
    ["null where there may be nothing", { id: null, symbol: null, idempotency_key: null }],
  ] as const,
)("POST /local/events takes %s", async (_, changes) => {
  const clock = new FakeClock(now);
  using bench = eventsBench({ clock });
  const event = sampleEvent(changes);
  await bench.post(event);
  const [item] = await bench.get<Record<string, unknown>[]>("/local/events?mode=live");
  for (const field of ["source", "type", "body", "meta", "symbol"]) {
    assert.deepEqual(item?.[field], event[field] ?? null);
  }
  if (typeof event.ts === "string") assert.equal(item?.ts, iso(Date.parse(event.ts)));
});

Deno.test.each(
  [
    ["a severity of Python", { severity: "WARNING" }, { severity: "warning" }],
    ["a severity of JavaScript", { severity: "warn" }, { severity: "warning" }],
    ["a severity of Java", { severity: "Fatal" }, { severity: "critical" }],
    ["a severity of syslog", { severity: "err" }, { severity: "error" }],
    ["Python's utcnow().isoformat()", { ts: "2026-03-02T11:59:59.123456" }, {
      ts: "2026-03-02T11:59:59.123Z",
    }],
    ["Python's str(datetime)", { ts: "2026-03-02 11:59:59.123456+00:00" }, {
      ts: "2026-03-02T11:59:59.123Z",
    }],
    ["SQLite's datetime('now')", { ts: "2026-03-02 11:59:59" }, { ts: "2026-03-02T11:59:59.000Z" }],
    ["strftime's %z", { ts: "2026-03-02T12:59:59+0100" }, { ts: "2026-03-02T11:59:59.000Z" }],
    ["meta_json as text", { meta: undefined, meta_json: '{"a": [1, {"b": null}]}' }, {
      meta: { a: [1, { b: null }] },
    }],
    ["meta_json as an object", { meta: undefined, meta_json: { a: 1 } }, { meta: { a: 1 } }],
    ["no meta_json but null", { meta: undefined, meta_json: null }, { meta: {} }],
    ["no meta but null", { meta: null }, { meta: {} }],
    ["half a surrogate pair in the body", { body: "a\ud83d" }, { body: "a\ufffd" }],
    ["an id", { id: "0198C7E0-5a3b-7c1d-9e2f-1a2b3c4d5e6f" }, {
      id: "0198c7e0-5a3b-7c1d-9e2f-1a2b3c4d5e6f",
      idempotency_key: "0198c7e0-5a3b-7c1d-9e2f-1a2b3c4d5e6f",
    }],
  ] as const,
)("POST /local/events takes %s as other programs write it", async (_, changes, expected) => {
  using bench = eventsBench({ clock: new FakeClock(now) });
  await bench.post(sampleEvent(changes));
  const [item] = await bench.get<Record<string, unknown>[]>("/local/events?mode=live");
  for (const [field, value] of Object.entries(expected)) assert.deepEqual(item?.[field], value);
});

Deno.test("POST /local/events takes a repeated id for the same event, whatever its key", async () => {
  using bench = eventsBench();
  const id = "0198c7e0-5a3b-7c1d-9e2f-1a2b3c4d5e6f";
  const { accepted } = await bench.post([
    sampleEvent({ id, idempotency_key: "a" }),
    sampleEvent({ id, idempotency_key: "b" }),
    sampleEvent({ id, mode: "paper" }),
    sampleEvent(),
  ]);
  assert.deepEqual(accepted.map(({ seq, duplicate, mismatch }) => [seq, duplicate, mismatch]), [
    [1, false, undefined],
    [1, true, undefined],
    [1, true, true],
    [2, false, undefined],
  ]);
  assert.equal(accepted[1]?.idempotency_key, "a");
});

/** What a JavaScript number would change: too long, too precise, too large, too small. */
const NUMBERS =
  '{"long":12345678901234567890,"fine":0.12345678901234567891,"huge":1e999,"tiny":-1e-999}';

Deno.test.each(
  [
    ["meta", "application/json", NUMBERS],
    ["meta_json", "application/json", NUMBERS],
    ["meta_json", "application/json", JSON.stringify(NUMBERS)],
    ["meta", "application/x-ndjson", NUMBERS],
  ] as const,
)(
  "Numbers in %s (%s) stay as they were sent, in the database, the answers and the flush",
  async (field, type, value) => {
    using bench = eventsBench();
    const rest = JSON.stringify(sampleEvent({ meta: undefined })).slice(0, -1);
    const stream = await bench.ask("/local/stream?mode=live&since_seq=0");
    const response = await bench.ask("/local/events", {
      method: "POST",
      body: `${rest},"${field}":${value}}`,
      headers: { "content-type": type },
    });
    assert.equal(response.status, 200, await response.text());
    const [row] = storedEvents(bench.store);
    assert.equal(row?.meta_json, NUMBERS);
    const read = await (await bench.ask("/local/events?mode=live")).text();
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    let streamed = "";
    while (!streamed.includes('"idempotency_key"')) streamed += (await reader.read()).value;
    await reader.cancel();
    const again = await bench.ask("/local/stream?mode=live&since_seq=0");
    const rereader = again.body!.pipeThrough(new TextDecoderStream()).getReader();
    let resumed = "";
    while (!resumed.includes('"idempotency_key"')) resumed += (await rereader.read()).value;
    await rereader.cancel();
    const pushed = JSON.stringify(bench.stream.outbox.pending(1).rows);
    for (const text of [read, streamed, resumed, pushed]) {
      assert.ok(text.includes(`"meta":${NUMBERS}`), text);
    }
  },
);

Deno.test("POST /local/events refuses a number that is too long for JavaScript as meta", async () => {
  using bench = eventsBench();
  const rest = JSON.stringify(sampleEvent({ meta: undefined })).slice(0, -1);
  for (const field of ["meta", "meta_json", "body", "mode"]) {
    const response = await bench.ask("/local/events", {
      method: "POST",
      body: `${rest},"${field}":1e999}`,
      headers: { "content-type": "application/json" },
    });
    assert.equal(response.status, 422);
    assert.equal((await response.json()).errors[0].errors[0].field, field);
  }
});

Deno.test("POST /local/events lists every bad event with all that is wrong with it", async () => {
  using bench = eventsBench();
  const response = await bench.ask("/local/events", {
    method: "POST",
    json: [sampleEvent({ mode: "x", body: 1 }), sampleEvent(), 7, null, sampleEvent({ type: "" })],
  });
  const { errors, detail }: Refusal = await response.json();
  assert.deepEqual(
    errors?.map(({ index, errors }) => [index, errors.map(({ field }) => field)]),
    [[0, ["mode", "body"]], [2, [""]], [3, [""]], [4, ["type"]]],
  );
  assert.equal(errors?.[1]?.errors[0]?.message, "expected an event as a JSON object");
  assert.ok(detail.includes("(and 3 more)"), detail);
});

Deno.test("POST /local/events?partial=true stores the good ones and lists the bad", async () => {
  using bench = eventsBench();
  const { accepted, rejected } = await bench.post(
    [sampleEvent({ mode: "x" }), sampleEvent(), sampleEvent({ body: 1 }), sampleEvent()],
    "?partial=true",
  );
  assert.deepEqual(accepted.map(({ seq }) => seq), [1, 2]);
  assert.deepEqual(rejected?.map(({ index, errors }) => [index, errors[0]?.field]), [
    [0, "mode"],
    [2, "body"],
  ]);
  assert.equal(storedEvents(bench.store).length, 2);
});

Deno.test("POST /local/events names the lines that are not JSON", async () => {
  using bench = eventsBench();
  const good = JSON.stringify(sampleEvent());
  const body = `${good}\n\n{"mode": "live",\n${good}\n${JSON.stringify(sampleEvent({ type: 1 }))}`;
  const headers = { "content-type": "application/x-ndjson" };
  const response = await bench.ask("/local/events", { method: "POST", body, headers });
  assert.equal(response.status, 422);
  const { errors, detail }: Refusal = await response.json();
  assert.deepEqual(errors, [
    { index: 1, line: 3, errors: [{ field: "", message: "not JSON at column 17" }] },
    {
      index: 3,
      line: 5,
      errors: [{ field: "type", message: "expected text of 1 to 200 characters" }],
    },
  ]);
  assert.ok(detail.startsWith("line 3: not JSON at column 17 (and 1 more)"), detail);
  assert.equal(storedEvents(bench.store).length, 0);

  const partial = await bench.ask("/local/events?partial=true", { method: "POST", body, headers });
  const answer = await partial.json();
  assert.equal(answer.accepted.length, 2);
  assert.deepEqual(answer.rejected.map(({ line }: { line: number }) => line), [3, 5]);
});

Deno.test.each(
  [
    ["broken JSON", '[{"mode": "live"', "application/json", 400],
    ["no body", "", "application/json", 400],
    ["a body of 2 MB", `[${" ".repeat(2_000_000)}]`, "application/json", 413],
    ["1001 events", JSON.stringify(Array(1_001).fill(0)), "application/json", 413],
    ["1001 lines", "{}\n".repeat(1_001), "application/x-ndjson", 413],
    ["a million events", `[${"{},".repeat(999_999)}{}]`, "application/json", 413],
    ["a form", "mode=live", "application/x-www-form-urlencoded", 415],
  ] as const,
)("POST /local/events refuses %s as a whole", async (_, body, type, status) => {
  using bench = eventsBench();
  const response = await bench.ask("/local/events", {
    method: "POST",
    body,
    headers: { "content-type": type },
  });
  assert.equal(response.status, status, await response.text());
  assert.equal(storedEvents(bench.store).length, 0);
  assert.equal((await bench.post(sampleEvent())).accepted[0]?.seq, 1);
});

/** Has each write say whether it was durable, and which events it stored. */
function watchWrites(bench: EventsBench): { durable: boolean; stored: string[] }[] {
  const { store } = bench;
  const writes: { durable: boolean; stored: string[] }[] = [];
  const write = store.write;
  const bodies = () => storedEvents(store).map(({ body }) => String(body));
  store.write = (work, options = {}) =>
    write.call(store, () => {
      const before = bodies();
      const result = work();
      const stored = bodies().filter((body) => !before.includes(body));
      writes.push({ durable: options.durable === true, stored });
      return result;
    }, options) as never;
  return writes;
}

const critical = (body: string) => sampleEvent({ subtype: CRITICAL[0], body });

Deno.test("A critical event is on the disk before it is answered, whatever it comes with", async () => {
  using bench = eventsBench();
  const writes = watchWrites(bench);
  await bench.post(sampleEvent({ body: "plain" }));
  await bench.post(critical("critical"));
  await bench.post([sampleEvent({ body: "first" }), critical("second")]);
  assert.deepEqual(writes, [
    { durable: false, stored: ["plain"] },
    { durable: true, stored: ["critical"] },
    { durable: true, stored: ["first", "second"] },
  ]);
});

/** Has writes wait until they are let go, so that requests come together. */
function holdWrites({ store }: EventsBench): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  const write = store.write;
  store.write = async (work, options) => {
    await promise;
    return await write.call(store, work, options) as never;
  };
  return resolve;
}

Deno.test("A critical event joins no write that was begun without the disk's word", async () => {
  using bench = eventsBench();
  const writes = watchWrites(bench);
  const letGo = holdWrites(bench);
  const plain = bench.post(sampleEvent({ body: "plain" }));
  await settled();
  const late = bench.post(critical("critical"));
  await settled();
  letGo();
  await Promise.all([plain, late]);
  assert.deepEqual(writes, [
    { durable: false, stored: ["plain"] },
    { durable: true, stored: ["critical"] },
  ]);
});

Deno.test("A request that cannot be stored fails none of those that come with it", async () => {
  using bench = eventsBench();
  bench.store.db.exec(
    `CREATE TEMP TRIGGER refuse BEFORE INSERT ON local_events WHEN new.body = 'refuse'
     BEGIN SELECT RAISE(ABORT, 'refused'); END`,
  );
  const letGo = holdWrites(bench);
  const posts = ["a", "refuse", "b"].map((body) => bench.post(sampleEvent({ body })));
  await settled();
  letGo();
  const outcomes = await Promise.allSettled(posts);
  assert.deepEqual(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.deepEqual(storedEvents(bench.store).map(({ body }) => body), ["a", "b"]);
});

Deno.test("A repeated event does not count as waiting for the cloud", async () => {
  using bench = eventsBench();
  for (let times = 0; times < 3; times++) {
    await bench.post([sampleEvent({ idempotency_key: "a" }), sampleEvent({ body: `${times}` })]);
  }
  assert.equal(bench.stream.outbox.depth().rows, 4);
});
