import assert from "node:assert/strict";
import { Hub, Warnings } from "../../../src/core/mod.ts";
import type { Store } from "../../../src/store/mod.ts";
import { createAttendance, migrations } from "../../../src/streams/attendance/mod.ts";
import { Intake } from "../../../src/streams/attendance/storage/intake.ts";
import { Device } from "../../../src/streams/attendance/devices/device.ts";
import { People } from "../../../src/streams/attendance/storage/people.ts";
import { Punches } from "../../../src/streams/attendance/storage/punches.ts";
import { Quarantine } from "../../../src/streams/attendance/storage/quarantine.ts";
import { Zone } from "../../../src/streams/attendance/storage/time.ts";
import { testApi } from "../../support/api.ts";
import { streamDeps } from "../../support/stream_deps.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { tempStore } from "../../support/temp.ts";
import { CONFIG, directionsOf, Relay } from "./relay.ts";

const zone = new Zone("Asia/Kolkata");

/** The stream's API over a database in which two devices have left 60 punches of three people, a minute apart. */
async function api() {
  using cleanup = new DisposableStack();
  const { store } = cleanup.use(tempStore(migrations));
  const stream = createAttendance({
    ...streamDeps(store, { clock: new FakeClock("2026-10-05T12:00:00.000Z") }),
  }, {
    retention_unsynced_days: 365,
    attendance: {
      ...CONFIG,
      devices: [{ sn: "DEV1", name: "Front" }, { sn: "DEV2", name: "Back" }],
    },
  });
  await fill(store);
  const asked = cleanup.use(testApi({ store, routes: stream.routes! }));
  const all = cleanup.move();
  return { ...asked, store, [Symbol.dispose]: () => all.dispose() };
}

async function fill(store: Store): Promise<void> {
  const warnings = new Warnings();
  const people = new People(store, { hub: new Hub(), clock: new FakeClock() });
  const intake = new Intake(store, {
    punches: new Punches(store, { hub: new Hub(), directions: directionsOf(store), people }),
    people,
    quarantine: new Quarantine(store, {
      warnings,
      clock: new FakeClock(),
    }),
    warnings,
  });
  const receivedMs = Date.parse("2026-10-05T12:00:00Z");
  for (const sn of ["DEV1", "DEV2"]) {
    const punches = Array.from({ length: 30 }, (_, i) => {
      const deviceTime = zone.wallAt(Date.parse("2026-10-05T03:00:00Z") + i * 60_000);
      const { at, suspect } = zone.read(deviceTime, receivedMs);
      const raw = `{"name":"P\\"${i % 3}"}`;
      return { personId: `${i % 3}`, deviceTime, at, suspect, mode: 8, inOut: 0, event: null, raw };
    });
    const unreadable = [{ reason: "no usable time", raw: `from ${sn}` }];
    const device = new Device(sn, "approved", zone);
    await intake.store({ device, protocol: "aiface", receivedMs, punches, unreadable });
  }
}

type Punch = Record<string, unknown>;

Deno.test("GET /punches?person= has the punches of all ids of the person, in order and page by page", async () => {
  using asked = await api();
  await asked.ask("/people/0", { method: "PUT", json: { aliases: ["2"] } });
  const listed = async (query: string): Promise<Punch[]> =>
    await (await asked.ask(`/punches?${query}`)).json();
  const of = (...ids: string[]) => ({ person_id }: Punch) => ids.includes(String(person_id));
  const all = await listed("limit=100");
  assert.deepEqual(await listed("person=0"), all.filter(of("0", "2")));
  assert.deepEqual(await listed("person=2"), all.filter(of("0", "2")));
  assert.deepEqual(await listed("person=1"), all.filter(of("1")));
  assert.deepEqual(
    await listed("person=0&device=DEV2"),
    all.filter(of("0", "2")).filter(({ device_sn }) => device_sn === "DEV2"),
  );
  const paged: Punch[] = [];
  let path: string | undefined = "/punches?person=2&limit=7";
  while (path) {
    const answer: Response = await asked.ask(path);
    paged.push(...await answer.json());
    path = /<([^>]+)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1];
  }
  assert.deepEqual(paged, all.filter(of("0", "2")));
});

Deno.test("GET /punches answers the newest first, page by page, each once", async () => {
  using asked = await api();
  const seen: Punch[] = [];
  let path: string | undefined = "/punches?limit=7";
  while (path) {
    const answer: Response = await asked.ask(path);
    assert.equal(answer.status, 200);
    seen.push(...await answer.json());
    path = /<([^>]+)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1];
  }
  assert.equal(seen.length, 60);
  assert.equal(new Set(seen.map(({ id }) => id)).size, 60);
  const times = seen.map(({ punched_at }) => String(punched_at));
  assert.deepEqual(times, times.toSorted().reverse());
  const { id: _, ...first } = seen[0]!;
  assert.deepEqual(first, {
    device_sn: "DEV2",
    person_id: "2",
    person_name: 'P"2',
    punched_at: "2026-10-05T03:29:00.000Z",
    device_time: "2026-10-05 08:59:00",
    direction: "out",
    direction_by: "alternation",
    time_zone: "Asia/Kolkata",
    received_at: "2026-10-05T12:00:00.000Z",
    skew_ms: null,
    time_suspect: false,
    mode: 8,
    in_out: 0,
    event: null,
    raw: '{"name":"P\\"2"}',
    struck: false,
    added_by: null,
    synced_at: null,
  });
});

const filters: [string, number][] = [
  ["", 60],
  ["?device=DEV1", 30],
  ["?person=2", 20],
  ["?device=DEV2&person=2", 10],
  ["?device=NONE", 0],
  ["?from=2026-10-05T03:20:00Z", 20],
  ["?to=2026-10-05T03:20:00Z", 40],
  ["?from=2026-10-05T08:50:00%2B05:30&device=DEV1", 10],
  ["?from=2026-10-05&to=2026-10-05", 60],
  ["?from=2026-10-06", 0],
  ["?to=2026-10-04", 0],
  ["?before=2026-10-05T03:10:00.000Z", 20],
];
for (const [query, count] of filters) {
  Deno.test(`GET /punches${query} answers ${count} of 60`, async () => {
    using asked = await api();
    assert.equal((await (await asked.ask(`/punches${query}`)).json()).length, count);
  });
}

for (
  const query of [
    "limit=0",
    "limit=many",
    "before=yesterday",
    "device=../etc",
    "from=2026-13-01",
    "persons=2",
  ]
) {
  Deno.test(`GET /punches?${query} is refused and says why`, async () => {
    using asked = await api();
    const answer = await asked.ask(`/punches?${query}`);
    assert.equal(answer.status, 400);
    assert.match((await answer.json()).detail, new RegExp(query.split("=")[0]!));
  });
}

Deno.test("GET /devices answers every device with its state", async () => {
  using asked = await api();
  const devices: Punch[] = await (await asked.ask("/devices")).json();
  assert.deepEqual(devices.map(({ sn, name, state }) => [sn, name, state]), [
    ["DEV2", "Back", "offline"],
    ["DEV1", "Front", "offline"],
  ]);
});

Deno.test("POST /devices/{sn}/approve and /refuse say what became of the device", async () => {
  using asked = await api();
  const post = (path: string, json?: unknown) =>
    asked.ask(path, { method: "POST", ...(json === undefined ? {} : { json }) });
  assert.equal((await (await post("/devices/DEV1/refuse")).json()).state, "refused");
  const approved = await post("/devices/DEV1/approve", { time_zone: "Europe/Berlin" });
  const { state, time_zone, name } = await approved.json();
  assert.deepEqual({ state, time_zone, name }, {
    state: "offline",
    time_zone: "Europe/Berlin",
    name: "Front",
  });
  assert.equal((await post("/devices/DEV1/approve")).status, 200);
  assert.equal((await post("/devices/NONE/approve")).status, 404);
  assert.equal((await post("/devices/a%20b/approve")).status, 400);
  assert.equal((await post("/devices/DEV1/approve", { zone: "UTC" })).status, 400);
  assert.equal((await post("/devices/DEV1/approve", { time_zone: "Nowhere" })).status, 400);
});

Deno.test("GET /quarantine answers what was not understood, newest first", async () => {
  using asked = await api();
  const first = await asked.ask("/quarantine?limit=1");
  const [entry] = await first.json();
  assert.equal(entry.raw, "from DEV2");
  const next = /<([^>]+)>/.exec(first.headers.get("link") ?? "")![1]!;
  assert.equal((await (await asked.ask(next)).json())[0].raw, "from DEV1");
});

Deno.test("A device that is configured is named and set to its zone there, not when it is approved", async () => {
  const devices = [{ sn: "DEV1", name: "Front door", time_zone: "Asia/Dubai" }];
  await using relay = await Relay.start({ config: { devices } });
  const approve = (body: unknown) =>
    relay.api("POST", "/devices/{sn}/approve", { params: { sn: "DEV1" }, body });
  await assert.rejects(approve({ name: "Gate" }), /Device is configured/);
  await assert.rejects(approve({ time_zone: "UTC" }), /Device is configured/);
  await approve({ name: "Front door" });
  const { name, time_zone } = (await relay.device())!;
  assert.deepEqual({ name, time_zone }, { name: "Front door", time_zone: "Asia/Dubai" });
});
