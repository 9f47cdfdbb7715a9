import assert from "node:assert/strict";
import { validate, version } from "uuid";
import { derivedId, idSource } from "../../src/core/mod.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";

Deno.test("idSource makes ids that sort in the order in which they were made", () => {
  const clock = new FakeClock();
  const nextId = idSource(clock);
  const ids: string[] = [];
  for (let i = 0; i < 1_000; i++) {
    if (i % 7 === 0) clock.set(clock.now() + 1);
    ids.push(nextId());
  }
  assert.deepEqual(ids, [...new Set(ids)].sort());
});

Deno.test("idSource keeps the order when the clock is set back", () => {
  const clock = new FakeClock("2026-05-01T00:00:00Z");
  const nextId = idSource(clock);
  const before = nextId();
  clock.set("2020-01-01T00:00:00Z");
  assert.ok(nextId() > before);
});

Deno.test("idSource writes the time into the id, as RFC 9562 has it", () => {
  const clock = new FakeClock("2026-05-01T00:00:00Z");
  const hex = idSource(clock)().replaceAll("-", "");
  assert.equal(parseInt(hex.slice(0, 12), 16), clock.now());
  assert.equal(hex[12], "7");
});

Deno.test("idSource makes UUIDs that any library takes, however many in a millisecond", () => {
  const nextId = idSource(new FakeClock());
  const ids = Array.from({ length: 20_000 }, nextId);
  for (const id of ids) assert.ok(validate(id) && version(id) === 7, id);
  assert.deepEqual(ids, [...new Set(ids)].sort());
  // Two sources, two agents: what is random about them is different.
  assert.notEqual(ids[0], idSource(new FakeClock())());
});

Deno.test("derivedId gives the same UUID for the same text, and another for another", () => {
  assert.equal(derivedId("a"), derivedId("a"));
  assert.notEqual(derivedId("a"), derivedId("b"));
  assert.ok(validate(derivedId("a")));
});
