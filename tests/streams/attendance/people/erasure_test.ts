import assert from "node:assert/strict";
import { instantOf } from "../../../../src/core/mod.ts";
import { until } from "../../../support/until.ts";
import { Relay } from "../relay.ts";

/** An office in which two persons have left traces everywhere. */
async function traced(options: Parameters<typeof Relay.start>[0] = {}): Promise<Relay> {
  const relay = await Relay.start(options);
  const device = relay.iclock();
  const lines = ["7", "1007", "8"].flatMap((id) =>
    Array.from(
      { length: 60 },
      (_, n) => `${id}\t2026-10-0${1 + n % 4} 09:${String(n).padStart(2, "0")}:00\t0\t1`,
    )
  );
  await device.post("ATTLOG", lines.join("\n"));
  await device.post(
    "OPERLOG",
    "OPLOG 4\t7\t2026-10-05 09:10:00\t0\nOPLOG 4\t8\t2026-10-05 09:10:00\t0\n",
  );
  await device.post("USERINFO", "PIN=7\tName=Ann\nPIN=1007\tName=Ann\nPIN=8\tName=Bo\n");
  await relay.api("PUT", "/people/{id}", {
    params: { id: "7" },
    body: { name: "Ann Smith", department: "Sales", aliases: ["1007"] },
  });
  return relay;
}

const post = (relay: Relay, id: string) =>
  relay.api("POST", "/people/{id}/erase", { params: { id } });

async function text(relay: Relay, id: string): Promise<string> {
  const response = await relay.api("GET", "/people/{id}/export", { params: { id } });
  return await (response as Response).text();
}

/** A person corrects a punch, and has a device given the name. */
async function askAbout(relay: Relay): Promise<void> {
  const [mine] = relay.rows("SELECT id FROM device_logs WHERE person_id = '1007'");
  await relay.api("POST", "/punches/corrections", {
    body: { kind: "strike", punch_id: mine!.id, reason: "not Ann", by: "Cy" },
  });
  await relay.api("POST", "/devices/{sn}/commands", {
    params: { sn: "DEV1" },
    body: { command: "send_name", person_id: "7" },
  });
}

Deno.test("What is kept of a person is handed out whole, of all ids", async () => {
  await using relay = await traced();
  await askAbout(relay);
  const dossier = JSON.parse(await text(relay, "1007"));
  assert.deepEqual([dossier.person.person_id, dossier.person.name], ["7", "Ann Smith"]);
  assert.deepEqual(dossier.device_names.map(({ person_id }: { person_id: string }) => person_id), [
    "7",
    "1007",
  ]);
  assert.equal(dossier.punches.length, 120);
  assert.equal(new Set(dossier.punches.map(({ id }: { id: string }) => id)).size, 120);
  assert.equal(dossier.events.length, 1);
  assert.deepEqual(
    [dossier.corrections, dossier.commands].map((rows) =>
      rows.map(({ person_id }: { person_id: string }) => person_id)
    ),
    [["1007"], ["7"]],
  );
});

Deno.test("What is handed out of a person is read while it is sent", async () => {
  await using relay = await traced();
  const large = relay.store.db.prepare("UPDATE device_logs SET raw = ? WHERE person_id = '7'");
  await relay.store.write(() => void large.run("x".repeat(100_000)));
  const response = await relay.api("GET", "/people/{id}/export", {
    params: { id: "7" },
  }) as Response;
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let heard = "";
  while (heard.length < 1_000_000) heard += (await reader.read()).value!;
  const changed = relay.store.db.prepare(
    "UPDATE device_logs SET raw = 'later' WHERE person_id = '7'",
  );
  await relay.store.write(() => void changed.run());
  for (let next = await reader.read(); !next.done; next = await reader.read()) heard += next.value;
  const { punches } = JSON.parse(heard) as { punches: { id: string; raw: string }[] };
  assert.equal(new Set(punches.map(({ id }) => id)).size, 120);
  const later = punches.filter(({ raw }) => raw === "later").length;
  assert.ok(later > 40, `${later} read afterwards`);
});

Deno.test("Nothing of an erased person is left, and nothing of others is gone", async () => {
  await using relay = await traced();
  await askAbout(relay);
  const outbox = relay.stream.outbox!;
  const { rows } = await relay.store.write(() => outbox.pending(10));
  await relay.store.write(() => {
    outbox.settle([rows[0]!.id], instantOf(0));
    outbox.reject([{ id: rows[1]!.id, message: "no" }], instantOf(0));
  });
  assert.deepEqual(await post(relay, "1007"), {
    person_id: "7",
    ids: ["7", "1007"],
    punches: 120,
    corrections: 1,
    events: 1,
  });
  await until(() => relay.count("direction_queue") === 0, "nothing is left to decide");
  const everything = relay.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
    .map(({ name }) => JSON.stringify(relay.rows(`SELECT * FROM ${name}`)));
  assert.doesNotMatch(everything.join("\n"), /Ann|"person_id":"(?:7|1007)"|1007\\t/);
  assert.equal(relay.count("device_logs"), 60);
  assert.equal(outbox.depth().rows, 60);
  const people = await relay.api("GET", "/people", { query: { limit: 9 } });
  assert.deepEqual((people as { name: string }[]).map(({ name }) => name), ["Bo"]);
  await assert.rejects(post(relay, "7"), { status: 404 });
});

Deno.test("Punches are erased that are more than one write takes", async () => {
  await using relay = await traced();
  const times = Array.from({ length: 250 }, (_, n) => `${Math.floor(n / 60)}:${n % 60}:00`);
  const lines = times.map((time) => `9\t2026-10-01 ${time.replace(/\b(\d)\b/g, "0$1")}\t0\t1`);
  await relay.iclock().post("ATTLOG", lines.join("\n"));
  await relay.api("PUT", "/people/{id}", { params: { id: "9" }, body: { name: "Dee" } });
  assert.equal((await post(relay, "9") as { punches: number }).punches, 250);
  assert.deepEqual(relay.rows("SELECT id FROM device_logs WHERE person_id = '9'"), []);
});

Deno.test("A device is not sent the name of an erased person, and no outcome of it is kept", async () => {
  await using relay = await traced();
  await askAbout(relay);
  await post(relay, "7");
  assert.equal((await relay.iclock().poll()).body, "OK");
  await relay.skip(3_601_000);
  await relay.advance(11_000);
  assert.equal(relay.count("device_commands"), 0);
});

Deno.test("The cloud is told of every id of an erased person, until something is heard of it again", async () => {
  await using relay = await traced({ deps: { cloud: true, twoWay: true } });
  const { outbox } = relay.stream;
  await post(relay, "7");
  // Two ids that are erased, a person, and 60 punches of that person.
  assert.equal(outbox!.depth().rows, 63);
  const rows = () =>
    relay.rows(`SELECT person_id, name, department, active, source, updated_at, erased_at,
      synced_at, rejected_at FROM people WHERE erased_at IS NOT NULL ORDER BY person_id`);
  const erased = {
    name: null,
    department: null,
    active: 0,
    source: "device",
    updated_at: "2026-10-05T03:50:00.000Z",
    erased_at: "2026-10-05T03:50:00.000Z",
    synced_at: null,
    rejected_at: null,
  };
  assert.deepEqual(rows().map((row) => ({ ...row })), [
    { person_id: "1007", ...erased },
    { person_id: "7", ...erased },
  ]);
  assert.deepEqual(await relay.api("GET", "/people", { query: { limit: 9, q: "7" } }), []);
  await relay.advance(1_000);
  await relay.iclock().post("USERINFO", "PIN=7\tName=Ann\n");
  const [, again] = rows();
  assert.deepEqual([again?.name, again?.active, again?.erased_at], ["Ann", 1, erased.erased_at]);
  const shown = await relay.api("GET", "/people", { query: { limit: 9, q: "ann" } });
  assert.equal((shown as unknown[]).length, 1);
});

Deno.test("What the cloud refused of a person is erased with the person", async () => {
  await using relay = await traced({ deps: { cloud: true, twoWay: true } });
  const { store, stream } = relay;
  const { outbox } = stream;
  const refuse = () => {
    const { rows } = outbox!.pending(500);
    return store.write(() =>
      outbox!.reject(rows.map(({ id }) => ({ id, message: "no" })), "2026-10-05T03:50:00.000Z")
    );
  };
  while (outbox!.depth().rows > 0) await refuse();
  await store.write(() => outbox!.readmit(["person:7"]));
  await post(relay, "7");
  const kept = relay.rows(
    "SELECT row_id, payload FROM sync_rejected WHERE table_name <> 'punches'",
  );
  assert.deepEqual(kept.map(({ row_id }) => row_id), ["person:8"]);
  assert.doesNotMatch(JSON.stringify(relay.rows("SELECT * FROM sync_rejected")), /Ann/);
  assert.equal(outbox!.depth().rows, 2);
});

Deno.test("Where an endpoint takes the punches, nothing waits to tell of an erasure", async () => {
  await using relay = await traced({ deps: { cloud: true } });
  await post(relay, "7");
  assert.equal(relay.rows("SELECT 1 FROM people WHERE erased_at IS NOT NULL").length, 0);
  assert.equal(relay.stream.outbox!.depth().rows, 60);
});

Deno.test("An erasure that breaks off can be asked for again", async () => {
  await using relay = await traced();
  relay.store.db.exec(
    "CREATE TEMP TRIGGER broken BEFORE DELETE ON device_events BEGIN SELECT RAISE(ABORT, 'broken'); END",
  );
  await assert.rejects(post(relay, "7"));
  relay.store.db.exec("DROP TRIGGER temp.broken");
  assert.deepEqual(await post(relay, "1007"), {
    person_id: "7",
    ids: ["7", "1007"],
    punches: 0,
    corrections: 0,
    events: 1,
  });
});
