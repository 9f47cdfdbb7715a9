import assert from "node:assert/strict";
import fc from "fast-check";
import { check, exactNumber } from "../../../../src/core/mod.ts";
import { eventSchema } from "../../../../src/streams/events/intake/event_schema.ts";
import { eventReader } from "../../../../src/streams/events/intake/read_event.ts";

const rules = { modes: ["paper", "live"], now: () => Date.parse("2026-03-02T12:00:00.000Z") };

/** Mostly a value that is allowed; else one of the edges, or of any kind. */
const near = (allowed: unknown, ...edges: unknown[]) =>
  fc.oneof(
    { weight: 20, arbitrary: fc.constant(allowed) },
    { weight: 2, arbitrary: fc.constantFrom(...edges, undefined, null, "") },
    { weight: 1, arbitrary: fc.jsonValue() },
  );
const name = near("bot", "x", "x".repeat(200), "x".repeat(201), "a\0b", "\ud800", "\ud83d\ude00");
const id = "0198c7e0-5a3b-7c1d-9e2f-1a2b3c4d5e6f";
const event = fc.record({
  id: near(undefined, id, id.toUpperCase(), "e-1", id.slice(1)),
  mode: near("paper", "live", "demo"),
  ts: near(
    "2026-03-02T12:00:00.000Z",
    "2026-02-28T23:59:59.999Z",
    "2026-02-29T12:00:00.000Z",
    "2024-02-29T12:00:00.000Z",
    "2026-02-30T12:00:00.000Z",
    "2026-04-31T12:00:00.000Z",
    "2026-03-00T12:00:00.000Z",
    "2026-13-01T12:00:00.000Z",
    "2026-03-01T24:00:00.000Z",
    "2026-03-01T25:00:00.000Z",
    "2026-03-01T12:60:00.000Z",
    "2026-03-03T12:00:00.000Z",
    "2026-03-03T12:00:00.001Z",
    "1999-12-31T23:59:59.999Z",
    "2026-03-02T12:00:00.000+01:00",
    "2026-03-02T12:00:00Z",
    "2026-03-02 12:00:00.000Z",
    "2026-03-02T12:00:00.000000",
    "2026-03-02 12:00:00",
  ),
  source: name,
  type: name,
  subtype: name,
  symbol: name,
  severity: near("debug", "info", "critical", "fatal", "WARN", "loud", "constructor"),
  body: near("text", "", "a\0b", "\ud800"),
  meta: near({ a: 1 }, {}, [], { text: "x".repeat(65_536) }, exactNumber("1e999")),
  meta_json: near(undefined, "{}", '{"a":1}', { a: 1 }, "[]", "{", "1e999"),
  idempotency_key: name,
  extra: near(undefined, 1),
}).map((fields) =>
  // What JSON leaves out is not there.
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
);

Deno.test("The short cut of reading takes only what the schema takes, and as it takes it", () => {
  const read = eventReader(rules);
  const schema = eventSchema(rules);
  let good = 0;
  fc.assert(
    fc.property(fc.oneof(event, event, event, fc.jsonValue()), (value) => {
      const bySchema = check(schema, value);
      const result = read(value);
      assert.equal("event" in result, "value" in bySchema);
      if (!("event" in result) || !("value" in bySchema)) return;
      good++;
      const { id = null, mode, ts = null, source, type, subtype, body } = bySchema.value;
      const { symbol = null, severity = "info", idempotency_key = null } = bySchema.value;
      const { meta, meta_json } = bySchema.value;
      assert.deepEqual(result.event, {
        id,
        mode,
        ts,
        source,
        type,
        subtype,
        symbol,
        severity,
        body: body.toWellFormed(),
        meta_json: JSON.stringify(meta ?? meta_json ?? {}),
        idempotency_key: idempotency_key,
      });
    }),
    { numRuns: 3_000 },
  );
  assert.ok(good > 100, `${good} good events`);
});

Deno.test("What a day from now is moves with the clock", () => {
  let now = Date.parse("2026-03-02T12:00:00.000Z");
  const read = eventReader({ ...rules, now: () => now });
  const sent = (ts: string) => ({
    mode: "live",
    ts,
    source: "a",
    type: "b",
    subtype: "c",
    body: "",
  });
  assert.ok("errors" in read(sent("2026-03-04T00:00:00.000Z")));
  now += 86_400_000;
  assert.ok("event" in read(sent("2026-03-04T00:00:00.000Z")));
  now -= 86_400_000;
  assert.ok("errors" in read(sent("2026-03-04T00:00:00.000Z")));
});
