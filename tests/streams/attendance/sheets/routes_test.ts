import assert from "node:assert/strict";
import type { AttendanceDay, Presence } from "../../../../src/contract/attendance.ts";
import { testApi } from "../../../support/api.ts";
import { until } from "../../../support/until.ts";
import { Relay } from "../relay.ts";

const DOORS = [
  { sn: "DEV1", name: "Front, door" },
  { sn: "DEV2", name: "Back door", time_zone: "Asia/Dubai" },
];

/** The API of a relay at which three people have punched on the day before and this morning. */
async function office() {
  await using cleanup = new AsyncDisposableStack();
  const relay = cleanup.use(await Relay.start({ config: { devices: DOORS } }));
  const api = cleanup.use(testApi({ store: relay.store, routes: relay.stream.routes! }));
  const send = async (sn: string, ...written: string[]) => {
    const record = written.map((text) => {
      const [enrollid, name, date, time] = text.split(" ");
      return { enrollid, name, time: `2026-10-${date} ${time}`, inout: 0 };
    });
    await (await relay.registered(sn)).ask({ cmd: "sendlog", sn, record });
  };
  await send("DEV1", "1 Zoe 04 09:00:00", "2 =Eve 04 09:10:00", "1 Zoe 04 17:00:30");
  await send("DEV2", "2 =Eve 04 15:40:00", "3 Adam 05 06:50:00");
  await send("DEV1", "1 Zoe 05 09:00:00");
  const all = cleanup.move();
  return { relay, ...api, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

Deno.test("GET /attendance/days answers the newest day first, of a day by name, page by page", async () => {
  await using asked = await office();
  const path = "/attendance/days?from=2026-10-01&to=2026-10-05";
  const days: AttendanceDay[] = await (await asked.ask(path)).json();
  assert.deepEqual(days.map(({ date, name }) => `${date} ${name}`), [
    "2026-10-05 Adam",
    "2026-10-05 Zoe",
    "2026-10-04 =Eve",
    "2026-10-04 Zoe",
  ]);
  assert.deepEqual(days[2], {
    person_id: "2",
    name: "=Eve",
    department: null,
    date: "2026-10-04",
    time_zone: "Asia/Kolkata",
    first_in: "2026-10-04T03:40:00.000Z",
    last_out: "2026-10-04T11:40:00.000Z",
    minutes_inside: 480,
    pairs: [{
      in: "2026-10-04T03:40:00.000Z",
      out: "2026-10-04T11:40:00.000Z",
      in_device: "DEV1",
      out_device: "DEV2",
    }],
    missing_out: false,
    missing_in: false,
    corrected: false,
  });
  assert.deepEqual(await everyPage(asked, `${path}&limit=3`), days);
  const at = async (query: string) =>
    (await (await asked.ask(`${path}&${query}`)).json()).map(({ name }: AttendanceDay) => name);
  assert.deepEqual(await at("device=DEV2"), ["Adam", "=Eve"]);
  assert.deepEqual(await at("person=1"), ["Zoe", "Zoe"]);
  assert.deepEqual(await at("department=Sales"), []);
});

Deno.test("Night shifts of six weeks come out the same whatever the pages, and sum up by month", async () => {
  await using asked = await office();
  const dates = Array.from(
    { length: 42 },
    (_, n) => Temporal.PlainDate.from("2026-08-24").add({ days: n }),
  );
  const lines = dates.flatMap((date) => [
    `9\t${date} 22:00:00`,
    `9\t${date.add({ days: 1 })} 06:00:00`,
  ]);
  await asked.relay.iclock().post("ATTLOG", lines.join("\n"));
  const path = "/attendance/days?from=2026-08-01&to=2026-10-05&person=9";
  const days: AttendanceDay[] = await (await asked.ask(path)).json();
  assert.deepEqual(
    days.map(({ date, minutes_inside }) => `${date} ${minutes_inside}`),
    dates.toReversed().map((date) => `${date} 480`),
  );
  for (const limit of [1, 5, 14]) {
    assert.deepEqual(await everyPage(asked, `${path}&limit=${limit}`), days);
  }
  const months = await asked.ask("/attendance/months?from=2026-08&to=2026-10&person=9");
  assert.equal(months.headers.get("content-type"), "application/json");
  const sheet = { person_id: "9", name: null, department: null, missing_out: 0, missing_in: 0 };
  assert.deepEqual(await months.json(), [
    { ...sheet, month: "2026-10", days: 4, minutes_inside: 4 * 480 },
    { ...sheet, month: "2026-09", days: 30, minutes_inside: 30 * 480 },
    { ...sheet, month: "2026-08", days: 8, minutes_inside: 8 * 480 },
  ]);
  assert.deepEqual(
    await (await asked.ask("/attendance/months?from=2025-01&to=2025-03")).json(),
    [],
  );
});

Deno.test("A day's sheet has no exit of a stay that began long before it", async () => {
  await using asked = await office();
  const iclock = asked.relay.iclock();
  await iclock.post("ATTLOG", "9\t2026-09-01 08:30:00\n9\t2026-09-02 00:10:00");
  const dates = async (day: string) => {
    const answer = await asked.ask(`/attendance/days?from=${day}&to=${day}&person=9`);
    return (await answer.json()).map(({ minutes_inside }: AttendanceDay) => minutes_inside);
  };
  assert.deepEqual(await dates("2026-09-01"), [15 * 60 + 40]);
  assert.deepEqual(await dates("2026-09-02"), []);
});

Deno.test("A person's sheet has the punches of all ids", async () => {
  await using asked = await office();
  const iclock = asked.relay.iclock();
  await iclock.post("ATTLOG", "9\t2026-09-01 08:00:00\n109\t2026-09-01 16:00:00");
  const json = { name: "Dee", aliases: ["109"] };
  assert.equal((await asked.ask("/people/9", { method: "PUT", json })).status, 200);
  await until(() => asked.relay.count("direction_queue") === 0, "they are decided again");
  const answer = await asked.ask("/attendance/days?from=2026-09-01&to=2026-09-01&person=109");
  assert.deepEqual(
    (await answer.json()).map(({ name, minutes_inside }: AttendanceDay) => [name, minutes_inside]),
    [["Dee", 480]],
  );
});

/** The rows of all pages of a list. */
async function everyPage(
  { ask }: { ask(path: string): Promise<Response> },
  path: string,
): Promise<AttendanceDay[]> {
  const rows: AttendanceDay[] = [];
  for (let next: string | undefined = path; next;) {
    const answer: Response = await ask(next);
    rows.push(...await answer.json());
    next = /<([^>]+)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1];
  }
  return rows;
}

Deno.test("GET /attendance/days answers today where no day is asked for, and refuses what makes no sense", async () => {
  await using asked = await office();
  const today: AttendanceDay[] = await (await asked.ask("/attendance/days")).json();
  assert.deepEqual([...new Set(today.map(({ date }) => date))], ["2026-10-05"]);
  for (
    const [path, detail] of [
      ["/attendance/days?from=2026-10-05&to=2026-10-04", /"from": 2026-10-05 is after 2026-10-04/],
      ["/attendance/days?from=2026-01-01&to=2026-10-04", /"to": expected at most 92 days/],
      ["/attendance/months?from=2020-01&to=2026-10", /"to": expected at most 24 months/],
      ["/attendance/months?from=2026-13", /"from": expected a month as YYYY-MM/],
      ["/attendance/days?before=x", /"before": expected the link/],
    ] as const
  ) {
    const answer = await asked.ask(path);
    assert.equal(answer.status, 400, path);
    assert.match((await answer.json()).detail, detail);
  }
});

Deno.test("Sheets as CSV have local times, doors by name and no formulas", async () => {
  await using asked = await office();
  const days = await asked.ask(
    "/attendance/days?from=2026-10-04&to=2026-10-04&format=csv&bom=true",
  );
  assert.equal(days.headers.get("content-type"), "text/csv; charset=utf-8");
  const bytes = new Uint8Array(await days.arrayBuffer());
  assert.deepEqual([...bytes.slice(0, 3)], [0xef, 0xbb, 0xbf]);
  assert.deepEqual(new TextDecoder().decode(bytes).split("\r\n"), [
    "date,person_id,name,department,first_in,last_out,minutes_inside,missing_in,missing_out,corrected,time_zone,pairs",
    "2026-10-04,2,'=Eve,,2026-10-04 09:10:00,2026-10-04 17:10:00,480,false,false,false,Asia/Kolkata," +
    '"09:10:00 Front, door - 17:10:00 Back door"',
    "2026-10-04,1,Zoe,,2026-10-04 09:00:00,2026-10-04 17:00:30,481,false,false,false,Asia/Kolkata," +
    '"09:00:00 Front, door - 17:00:30 Front, door"',
    "",
  ]);
  const months = await (await asked.ask("/attendance/months?format=csv")).text();
  assert.equal(months.split("\r\n")[1], "2026-10,2,'=Eve,,1,480,0,0");
  const present = await (await asked.ask("/presence?format=csv")).text();
  assert.equal(present.split("\r\n")[1], "Adam,3,,2026-10-05 06:50:00,Asia/Dubai,Back door,");
});

Deno.test("GET /presence says who is inside since when and where, and which devices are not there", async () => {
  await using asked = await office();
  asked.relay.clock.set("2026-10-05T04:00:00.000Z");
  const present: Presence = await (await asked.ask("/presence")).json();
  assert.deepEqual(present, {
    made_at: "2026-10-05T04:00:00.000Z",
    time_zone: "Asia/Kolkata",
    inside: [
      {
        person_id: "3",
        name: "Adam",
        department: null,
        since: "2026-10-05T02:50:00.000Z",
        device_sn: "DEV2",
        device_name: "Back door",
      },
      {
        person_id: "1",
        name: "Zoe",
        department: null,
        since: "2026-10-05T03:30:00.000Z",
        device_sn: "DEV1",
        device_name: "Front, door",
      },
    ],
    uncertain: [],
    devices_offline: [],
    count: 2,
  });
  // Nobody stays for more than 16 hours, and nobody is there before he came.
  asked.relay.clock.set("2026-10-05T19:00:00.000Z");
  assert.equal((await (await asked.ask("/presence")).json()).count, 1);
  asked.relay.clock.set("2026-10-05T03:00:00.000Z");
  assert.equal((await (await asked.ask("/presence")).json()).count, 1);
});

Deno.test("GET /presence names who was last seen at a device with a wrong clock, apart from the others", async () => {
  await using asked = await office();
  const { relay } = asked;
  const send = async (sn: string, enrollid: number, time: string) => {
    await (await relay.registered(sn)).ask({ cmd: "sendlog", sn, record: [{ enrollid, time }] });
  };
  await send("DEV1", 2, "2000-01-01 00:00:05");
  await send("DEV1", 1, "2000-01-01 00:00:06");
  await send("DEV1", 9, "2000-01-01 00:00:07");
  const { inside, uncertain, count }: Presence = await (await asked.ask("/presence")).json();
  assert.deepEqual([inside.map(({ name }) => name), count], [["Adam", "Zoe"], 2]);
  assert.deepEqual(
    uncertain,
    [
      { person_id: "2", name: "=Eve" },
      { person_id: "9", name: null },
    ].map((person) => ({
      ...person,
      department: null,
      received_at: "2026-10-05T03:50:00.000Z",
      device_sn: "DEV1",
      device_name: "Front, door",
    })),
  );
  const csv = await (await asked.ask("/presence?format=csv")).text();
  assert.equal(
    csv.split("\r\n")[3],
    `'=Eve,2,,2026-10-05 09:20:00,Asia/Kolkata,"Front, door",seen at a device with a wrong clock`,
  );
  assert.deepEqual((await (await asked.ask("/presence?department=Sales")).json()).uncertain, []);

  // A punch with a right time says more, also where it is an exit.
  const present = async (): Promise<Presence> => await (await asked.ask("/presence")).json();
  relay.clock.set("2026-10-05T03:51:00.000Z");
  await send("DEV2", 2, "2026-10-05 07:51:00");
  const back = await present();
  assert.deepEqual(back.uncertain.map(({ person_id }) => person_id), ["9"]);
  assert.ok(back.inside.some(({ name }) => name === "=Eve"));
  relay.clock.set("2026-10-05T03:55:00.000Z");
  await send("DEV2", 2, "2026-10-05 07:55:00");
  const gone = await present();
  assert.deepEqual(gone.uncertain.map(({ person_id }) => person_id), ["9"]);
  assert.ok(gone.inside.every(({ name }) => name !== "=Eve"));

  // So does the role of an exit.
  await asked.ask("/devices/DEV1", { method: "PATCH", json: { role: "exit" } });
  await send("DEV1", 9, "2000-01-01 00:00:09");
  assert.deepEqual((await present()).uncertain, []);
});

Deno.test("Who was seen at a device with a wrong clock is uncertain for no longer than a stay", async () => {
  await using asked = await office();
  const record = [{ enrollid: 9, time: "2000-01-01 00:00:05" }];
  await (await asked.relay.registered("DEV1")).ask({ cmd: "sendlog", sn: "DEV1", record });
  asked.relay.clock.set("2026-10-05T19:49:00.000Z");
  assert.equal((await (await asked.ask("/presence")).json()).uncertain.length, 1);
  asked.relay.clock.set("2026-10-05T19:51:00.000Z");
  assert.equal((await (await asked.ask("/presence")).json()).uncertain.length, 0);
});
