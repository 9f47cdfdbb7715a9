import assert from "node:assert/strict";
import type { Rejected } from "../../../src/store/mod.ts";
import { tempStore } from "../../support/temp.ts";

const AT = "2026-03-02T12:00:00.000Z";
const LATER = "2026-03-03T12:00:00.000Z";

Deno.test("Rejected shows a row with its reason until it is readmitted", async () => {
  using temp = tempStore();
  const { store } = temp;
  const { rejected } = store;
  await store.write(() => keep(rejected, "a", { status: 422, code: "22P02", message: "bad day" }));
  assert.deepEqual(rejected.find("playtime", "a"), {
    stream: "playtime",
    table: "heartbeats",
    id: "a",
    row: { id: "a", day: 1 },
    status: 422,
    code: "22P02",
    message: "bad day",
    attempts: 1,
    firstAt: AT,
    lastAt: AT,
  });
  await store.write(() => assert.equal(rejected.readmit("playtime", "a"), true));
  assert.equal(rejected.find("playtime", "a"), undefined);
  await store.write(() => assert.equal(rejected.readmit("playtime", "a"), false));
});

Deno.test("Rejected goes on counting the attempts of a row that comes back", async () => {
  using temp = tempStore();
  const { store } = temp;
  const { rejected } = store;
  await store.write(() => keep(rejected, "a", { message: "first" }));
  await store.write(() => rejected.readmit("playtime", "a"));
  await store.write(() => keep(rejected, "a", { message: "second" }, LATER));
  const row = rejected.find("playtime", "a");
  assert.deepEqual([row?.message, row?.attempts, row?.firstAt, row?.lastAt], [
    "second",
    2,
    AT,
    LATER,
  ]);
  await store.write(() => rejected.readmit("playtime", "a"));
  await store.write(() => rejected.accepted("playtime", ["a"]));
  await store.write(() => keep(rejected, "a", { message: "anew" }));
  assert.equal(rejected.find("playtime", "a")?.attempts, 1);
});

Deno.test("Rejected pages through a stream's rows and counts them", async () => {
  using temp = tempStore();
  const { store } = temp;
  const { rejected } = store;
  assert.equal(rejected.count("playtime"), 0);
  await store.write(() => {
    for (const id of ["c", "a", "b"]) keep(rejected, id, { message: "no" });
  });
  assert.equal(rejected.newest("playtime")?.id, "c");
  assert.equal(rejected.newest("playtime", { before: "c" })?.id, "b");
  const first = rejected.list("playtime", { limit: 2 });
  assert.deepEqual(first.map(({ id }) => id), ["a", "b"]);
  assert.deepEqual(
    rejected.list("playtime", { after: "b" }).map(({ id }) => id),
    ["c"],
  );
  assert.equal(rejected.count("playtime"), 3);
  assert.equal(rejected.count("events"), 0);
  await store.write(() => rejected.remove("playtime", "b"));
  await store.write(() => rejected.readmit("playtime", "c"));
  assert.equal(rejected.count("playtime"), 1);
});

Deno.test("Rejected counts a row once that is rejected a second time without a decision", async () => {
  using temp = tempStore();
  const { store } = temp;
  const { rejected } = store;
  assert.equal(rejected.count("playtime"), 0);
  await store.write(() => keep(rejected, "a", { message: "first" }));
  await store.write(() => keep(rejected, "a", { message: "second" }, LATER));
  assert.equal(rejected.count("playtime"), 1);
  assert.equal(rejected.find("playtime", "a")?.attempts, 2);
});

function keep(
  rejected: Rejected,
  id: string,
  reason: { status?: number; code?: string; message: string },
  at = AT,
): void {
  rejected.keep("playtime", {
    table: "heartbeats",
    row: { id, day: 1 },
    rejection: { id, ...reason },
    at,
  });
}
