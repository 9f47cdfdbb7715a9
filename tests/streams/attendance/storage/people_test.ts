import assert from "node:assert/strict";
import { Hub } from "../../../../src/core/mod.ts";
import type { Store } from "../../../../src/store/mod.ts";
import { migrations } from "../../../../src/streams/attendance/mod.ts";
import { AliasTaken, People } from "../../../../src/streams/attendance/storage/people.ts";
import { FakeClock } from "../../../support/fakes/fake_clock.ts";
import { tempStore } from "../../../support/temp.ts";

/** The people of an empty database, and how they are written. */
function setUp() {
  const { store, ...temp } = tempStore(migrations);
  const hub = new Hub();
  const clock = new FakeClock("2026-10-05T03:50:00.000Z");
  const regrouped: string[] = [];
  let news = 0;
  hub.subscribe(({ topic }) => news += Number(topic === "people"));
  const people = new People(store, { clock, hub, onRegroup: (id) => regrouped.push(id) });
  return {
    ...temp,
    store,
    clock,
    people,
    regrouped,
    news: () => news,
    seen: (sn: string, id: string, name: string | null = null) =>
      store.write(() => people.seen(id, { sn, name })),
    set: (...args: Parameters<People["set"]>) => store.write(() => people.set(...args)),
  };
}

function changes(store: Store): number {
  return Number(store.db.prepare("SELECT total_changes() AS n").get()!.n);
}

Deno.test("People are listed with the names that devices send, those without one too", async () => {
  using office = setUp();
  const { people, seen } = office;
  await seen("A", "7", "Ann");
  await seen("A", "12");
  assert.deepEqual([...people.list()].map(({ person_id, name }) => [person_id, name]), [
    ["12", null],
    ["7", "Ann"],
  ]);
  assert.deepEqual(people.find("7"), {
    person_id: "7",
    name: "Ann",
    department: null,
    active: true,
    source: "device",
    aliases: [],
    updated_at: "2026-10-05T03:50:00.000Z",
  });
  assert.equal(people.find("8"), undefined);
});

Deno.test("A device that repeats a name writes nothing, also when another device has another", async () => {
  using office = setUp();
  const { store, people, seen } = office;
  await seen("A", "7", "Ann");
  await seen("B", "7", "Ann S.");
  assert.equal(people.nameOf("7"), "Ann S.", "the latest stays");
  const before = changes(store);
  for (let day = 0; day < 3; day++) {
    await seen("A", "7", "Ann");
    await seen("B", "7", "Ann S.");
    await seen("B", "7");
  }
  assert.equal(changes(store), before);
  await seen("A", "7", "Ann Smith");
  assert.equal(people.nameOf("7"), "Ann Smith", "a device that says something else is heard");
});

Deno.test("A name that a person has entered stands against an import, and both against devices", async () => {
  using office = setUp();
  const { people, seen, set } = office;
  await seen("A", "7", "ANN");
  await set("7", { name: "Ann Smith", department: "Sales" }, "import");
  await seen("A", "7", "ANN S");
  assert.equal(people.nameOf("7"), "Ann Smith");
  await set("7", { name: "Ann Jones" }, "person");
  await set("7", { name: "Ann Smith", department: "Store", active: false }, "import");
  await seen("B", "7", "ANN");
  const { name, department, active, source } = people.find("7")!;
  assert.deepEqual([name, department, active, source], ["Ann Jones", "Sales", true, "person"]);
});

Deno.test("An import fills in what a person has left empty", async () => {
  using office = setUp();
  const { people, set } = office;
  await set("7", { name: "Ann" }, "person");
  await set("7", { name: "X", department: "Sales", aliases: ["107"] }, "import");
  const { name, department, aliases, source } = people.find("7")!;
  assert.deepEqual([name, department, aliases, source], ["Ann", "Sales", ["107"], "person"]);
});

Deno.test("Ids of one person lead to the person", async () => {
  using office = setUp();
  const { people, regrouped, seen, set } = office;
  await seen("A", "7");
  await seen("B", "107", "Ann");
  await set("7", { department: "Sales", aliases: ["107", "7"] }, "person");
  assert.equal(people.personOf("107"), "7");
  assert.equal(people.personOf("7"), "7");
  assert.equal(people.personOf("8"), "8");
  assert.deepEqual(people.idsOf("7"), ["7", "107"]);
  assert.equal(people.nameOf("107"), "Ann", "the person takes the name that the alias had");
  assert.equal(people.departmentOf("107"), "Sales");
  assert.equal(people.find("107")?.person_id, "7");
  assert.deepEqual([...people.list()].map(({ person_id }) => person_id), ["7"]);
  assert.deepEqual(regrouped, ["7"]);
  assert.equal((await set("107", { name: "Ann S." }, "person")).person_id, "7");
});

Deno.test("An id that is no alias any more is a person again, with the device's name", async () => {
  using office = setUp();
  const { people, regrouped, seen, set } = office;
  await seen("B", "107", "Ann");
  await set("7", { aliases: ["107"] }, "person");
  await set("7", { aliases: [] }, "person");
  assert.equal(people.personOf("107"), "107");
  assert.deepEqual(
    [...people.list()].map(({ person_id, name, active }) => [person_id, name, active]),
    [
      ["107", "Ann", true],
      ["7", "Ann", true],
    ],
  );
  assert.deepEqual(regrouped, ["7", "107", "7"]);
});

Deno.test("An id that is somebody else's becomes no alias, and nothing is changed", async () => {
  using office = setUp();
  const { people, set } = office;
  await set("7", { name: "Ann", aliases: ["107"] }, "person");
  await set("8", { name: "Bo" }, "import");
  await assert.rejects(set("9", { name: "Cy", aliases: ["107"] }, "person"), AliasTaken);
  await assert.rejects(set("9", { name: "Cy", aliases: ["8"] }, "person"), AliasTaken);
  assert.equal(people.find("9"), undefined);
  await set("8", { active: false }, "person");
  await set("9", { aliases: ["8"] }, "person");
  assert.equal(people.personOf("8"), "9", "one who has left may become part of another");
});

Deno.test("A write that is undone leaves nothing behind", async () => {
  using office = setUp();
  const { store, people } = office;
  await assert.rejects(store.write(() => {
    people.set("7", { name: "Ann", aliases: ["107"] }, "person");
    assert.equal(people.nameOf("107"), "Ann", "the write itself sees it");
    throw new Error("undone");
  }));
  assert.equal(people.nameOf("7"), null);
  assert.equal(people.personOf("107"), "107");
  assert.equal(office.news(), 0);
});

Deno.test("Pages are told once of a write that changes many people", async () => {
  using office = setUp();
  const { store, people } = office;
  await store.write(() => {
    for (let id = 0; id < 50; id++) people.set(`${id}`, { name: "X" }, "import");
  });
  await Promise.resolve();
  assert.equal(office.news(), 1);
  await office.set("7", { name: "Y" }, "person");
  await Promise.resolve();
  assert.equal(office.news(), 2);
});

Deno.test("A change waits for the cloud, and what is the same does not", async () => {
  using office = setUp();
  const { store, set } = office;
  await set("7", { name: "Ann" }, "person");
  const waits = () =>
    store.db.prepare("SELECT synced_at IS NULL AS waits FROM people").get()?.waits;
  await store.write(() => store.db.exec("UPDATE people SET synced_at = '2026'"));
  await set("7", { name: " Ann ", active: true }, "person");
  assert.equal(waits(), 0);
  await set("7", { active: false }, "person");
  assert.equal(waits(), 1);
});

Deno.test("An alias holds within the write that gives it, and not after one that was undone", async () => {
  using office = setUp();
  const { store, people, set } = office;
  const undone = store.write(() => {
    people.set("7", { aliases: ["1007"] }, "person");
    assert.equal(people.personOf("1007"), "7");
    throw new Error("undone");
  });
  const beside = store.write(() => people.personOf("1007"));
  await assert.rejects(undone, /undone/);
  assert.equal(await beside, "1007");
  assert.equal(people.personOf("1007"), "1007");
  await set("7", { aliases: ["1007"] }, "person");
  assert.equal(people.personOf("1007"), "7");
  await set("7", { aliases: [] }, "person");
  assert.equal(people.personOf("1007"), "1007");
  await set("7", { aliases: ["1007"] }, "person");
  const again = new People(store, { clock: office.clock, hub: new Hub() });
  assert.equal(again.personOf("1007"), "7");
});
