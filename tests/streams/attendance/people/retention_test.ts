import assert from "node:assert/strict";
import { instantOf } from "../../../../src/core/mod.ts";
import { Relay } from "../relay.ts";

const AT = Date.parse("2026-10-05T03:50:00.000Z");
const DAY_MS = 86_400_000;

async function prune(relay: Relay, days: number): Promise<void> {
  const now = instantOf(AT + days * DAY_MS);
  while ((await relay.store.write(() => relay.stream.prune!(now, { left: () => false }))).more);
}

const left = (relay: Relay) =>
  relay.rows("SELECT person_id FROM people ORDER BY person_id").map(({ person_id }) => person_id);

Deno.test("Who has left goes with the last punch, who still comes stays", async () => {
  await using relay = await Relay.start({ config: { retention_days: 30 } });
  const put = (id: string, body: object) =>
    relay.api("PUT", "/people/{id}", { params: { id }, body });
  await put("comes", { name: "Ann" });
  await put("left", { name: "Bo", active: false, aliases: ["other"] });
  await put("punched", { name: "Cy", active: false });
  await relay.iclock().post("ATTLOG", "other\t2026-10-05 09:00:00\npunched\t2026-10-05 09:00:00\n");
  await relay.iclock().post("USERINFO", "PIN=listed\tName=Di\n");
  await relay.store.write(() =>
    relay.rows("UPDATE device_logs SET received_at = '2026-10-20' WHERE person_id = 'punched'")
  );
  await prune(relay, 29);
  assert.deepEqual(left(relay), ["comes", "left", "listed", "other", "punched"]);
  await prune(relay, 31);
  assert.deepEqual(left(relay), ["comes", "punched"], "one had a punch left");
  assert.equal(relay.count("person_aliases") + relay.count("device_names"), 0);
  await prune(relay, 100);
  assert.deepEqual(left(relay), ["comes"]);
});

Deno.test("Retention of people works in steps", async () => {
  await using relay = await Relay.start({ config: { retention_days: 30 } });
  const lines = Array.from({ length: 90 }, (_, n) => `PIN=${n}\tName=X`).join("\n");
  await relay.iclock().post("USERINFO", lines);
  await prune(relay, 31);
  assert.deepEqual(left(relay), []);
});

Deno.test("Who was erased is kept without a name until the cloud knows", async () => {
  await using relay = await Relay.start({
    config: { retention_days: 30 },
    deps: { cloud: true, twoWay: true },
    unsyncedDays: 100,
  });
  await relay.iclock().post("USERINFO", "PIN=7\tName=Ann\nPIN=8\tName=Bo\n");
  for (const id of ["7", "8"]) await relay.api("POST", "/people/{id}/erase", { params: { id } });
  await relay.store.write(() =>
    relay.rows("UPDATE people SET synced_at = 'x' WHERE person_id = '7'")
  );
  await prune(relay, 31);
  assert.deepEqual(left(relay), ["8"]);
  await prune(relay, 101);
  assert.deepEqual(left(relay), []);
});

Deno.test("Who has left and a correction are kept until the cloud has them, and do not wait then", async () => {
  await using relay = await Relay.start({
    config: { retention_days: 30 },
    deps: { cloud: true, twoWay: true },
    unsyncedDays: 100,
  });
  const body = { name: "Bo", active: false };
  await relay.api("PUT", "/people/{id}", { params: { id: "8" }, body });
  await relay.iclock().post("ATTLOG", "7\t2026-10-05 09:00:00\n");
  const [punch] = relay.punches();
  const strike = { kind: "strike", punch_id: punch!.id, reason: "test", by: "Ann" };
  await relay.api("POST", "/punches/corrections", { body: strike });
  const { outbox } = relay.stream;
  // Two people, the correction, the punch.
  assert.equal(outbox!.depth().rows, 4);
  await prune(relay, 31);
  assert.deepEqual([left(relay), relay.count("punch_corrections")], [["7", "8"], 1]);
  assert.equal(outbox!.depth().rows, 4);
  await prune(relay, 101);
  assert.deepEqual([left(relay), relay.count("punch_corrections")], [[], 0]);
  assert.deepEqual(outbox!.depth(), { rows: 0, oldest: null });
});

Deno.test("People and corrections do not wait where an endpoint takes the punches", async () => {
  await using relay = await Relay.start({
    config: { retention_days: 30 },
    deps: { cloud: true },
    unsyncedDays: 100,
  });
  await relay.iclock().post("ATTLOG", "7\t2026-10-05 09:00:00\n");
  const [punch] = relay.punches();
  const strike = { kind: "strike", punch_id: punch!.id, reason: "test", by: "Ann" };
  await relay.api("POST", "/punches/corrections", { body: strike });
  const { outbox } = relay.stream;
  assert.equal(outbox!.depth().rows, 1);
  await prune(relay, 31);
  assert.deepEqual([relay.count("punch_corrections"), relay.count("device_logs")], [0, 1]);
  await prune(relay, 101);
  assert.deepEqual([left(relay), outbox!.depth().rows], [[], 0]);
});
