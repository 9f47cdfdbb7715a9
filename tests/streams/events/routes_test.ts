import assert from "node:assert/strict";
import { Hub, type HubMessage } from "../../../src/core/mod.ts";
import type { EventsMessage } from "../../../src/contract/events.ts";
import { openApiFlaws } from "../../support/openapi.ts";
import { eventsBench, sampleEvent } from "../../support/events.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { until } from "../../support/until.ts";

interface Item {
  seq: number;
  body: string;
  [field: string]: unknown;
}

Deno.test("GET /local/events gives whole events, oldest first", async () => {
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  using bench = eventsBench({ clock });
  const { accepted } = await bench.post([
    sampleEvent({ meta: { a: [1, { b: null }], "ü": "\u2028" }, idempotency_key: "k" }),
    sampleEvent({ mode: "paper" }),
    sampleEvent(),
  ]);
  const items = await bench.get<Item[]>("/local/events?mode=live");
  assert.deepEqual(items.map(({ seq }) => seq), [1, 2]);
  assert.deepEqual(items[0], {
    id: accepted[0]?.id,
    ts: "2026-03-02T12:00:00.000Z",
    seq: 1,
    source: "bot",
    type: "trade",
    subtype: "ORDER_PLACED",
    symbol: "BTC-USD",
    severity: "info",
    body: "Placed an order",
    meta: { a: [1, { b: null }], "ü": "\u2028" },
    mode: "live",
    idempotency_key: "k",
  });
});

Deno.test("GET /local/events pages through the log by its Link header", async () => {
  using bench = eventsBench();
  await bench.post(Array.from({ length: 250 }, (_, index) => sampleEvent({ body: `${index}` })));
  const bodies: string[] = [];
  let path: string | undefined = "/local/events?mode=live&limit=60";
  let pages = 0;
  while (path) {
    const response: Response = await bench.ask(path);
    bodies.push(...(await response.json()).map(({ body }: Item) => body));
    path = /^<(.*)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1];
    pages++;
  }
  assert.equal(pages, 5);
  assert.deepEqual(bodies, Array.from({ length: 250 }, (_, index) => `${index}`));
});

Deno.test("GET /local/events gives 50 unless it is told how many", async () => {
  using bench = eventsBench();
  await bench.post(Array.from({ length: 60 }, () => sampleEvent()));
  assert.equal((await bench.get<Item[]>("/local/events?mode=live")).length, 50);
  assert.equal((await bench.get<Item[]>("/local/events?mode=live&limit=1000")).length, 60);
});

Deno.test("GET /local/events filters by type, subtype and severity, over many numbers", async () => {
  using bench = eventsBench();
  for (let block = 0; block < 6; block++) {
    await bench.post(Array.from({ length: 1_000 }, (_, index) =>
      sampleEvent({
        type: index % 2 === 0 ? "trade" : "risk",
        subtype: index === 998 || index === 999 ? "RARE" : "COMMON",
        severity: index === 999 ? "error" : "info",
      })));
  }
  const seqs = async (query: string) =>
    (await bench.get<Item[]>(`/local/events?mode=live&${query}`)).map(({ seq }) => seq);
  assert.deepEqual(
    await seqs("subtype=RARE"),
    [999, 1_000, 1_999, 2_000, 2_999, 3_000, 3_999, 4_000, 4_999, 5_000, 5_999, 6_000],
  );
  assert.deepEqual(await seqs("subtype=RARE&type=risk&limit=2"), [1_000, 2_000]);
  assert.deepEqual(await seqs("severity=error&since_seq=4000"), [5_000, 6_000]);
  assert.deepEqual(await seqs("subtype=NEVER"), []);
  assert.deepEqual(await seqs("type=trade&since_seq=5990&limit=3"), [5_991, 5_993, 5_995]);
});

Deno.test.each(
  [
    ["no mode", "", "mode"],
    ["an unknown mode", "mode=demo", "mode"],
    ["two modes", "mode=live&mode=paper", "mode"],
    ["limit 0", "mode=live&limit=0", "limit"],
    ["limit 1001", "mode=live&limit=1001", "limit"],
    ["a negative since_seq", "mode=live&since_seq=-1", "since_seq"],
    ["an unknown severity", "mode=live&severity=fatal", "severity"],
    ["an unknown parameter", "mode=live&subtypes=RARE", "subtypes"],
  ] as const,
)("GET /local/events refuses %s and names it", async (_, query, parameter) => {
  using bench = eventsBench();
  const response = await bench.ask(`/local/events?${query}`);
  assert.equal(response.status, 400);
  assert.equal((await response.json()).parameter, parameter);
});

Deno.test("GET /local/events says which since_seq it takes, in whole numbers", async () => {
  using bench = eventsBench();
  for (const given of ["-1", "1.5", "9".repeat(16)]) {
    const response = await bench.ask(`/local/events?mode=live&since_seq=${given}`);
    const { detail } = await response.json();
    assert.match(detail, /"since_seq": expected a whole number from 0 to 999999999999999$/);
  }
  assert.deepEqual(await bench.get(`/local/events?mode=live&since_seq=${"9".repeat(15)}`), []);
});

Deno.test("PUT /local/state keeps a state, which GET gives back with health and last_seq", async () => {
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  using bench = eventsBench({ clock });
  const put = (mode: string, json: unknown) =>
    bench.ask(`/local/state?mode=${mode}`, { method: "PUT", json });
  await bench.post([sampleEvent(), sampleEvent()]);
  assert.deepEqual(
    await (await put("live", { cash: 100, holdings: [], last_seq: 999, health: "mine" })).json(),
    { mode: "live", ts: "2026-03-02T12:00:00.000Z", last_seq: 2 },
  );
  await put("live", { cash: 90, positions: { "BTC-USD": 0.1 } });
  await put("paper", { cash: 1 });
  const state = await bench.get<Record<string, unknown>>("/local/state?mode=live");
  assert.deepEqual(Object.keys(state), [
    "cash",
    "holdings",
    "positions",
    "health",
    "last_seq",
    "snapshot",
  ]);
  assert.deepEqual(state.snapshot, { cash: 90, positions: { "BTC-USD": 0.1 } });
  assert.equal(state.cash, 90);
  assert.equal(state.last_seq, 2);
  assert.equal((state.health as Record<string, unknown>).snapshot_ts, "2026-03-02T12:00:00.000Z");
});

Deno.test("GET /local/state of a mode without a snapshot has no cash, and lists that are empty", async () => {
  using bench = eventsBench();
  const { health: _, ...state } = await bench.get<Record<string, unknown>>(
    "/local/state?mode=live",
  );
  assert.deepEqual(state, { cash: null, holdings: [], positions: [], last_seq: 0, snapshot: null });
});

Deno.test("GET /local/state gives a snapshot's own health, last_seq and snapshot back beside the agent's", async () => {
  using bench = eventsBench();
  const json = { health: { broker: "up" }, last_seq: 999, snapshot: 7, cash: 1 };
  await bench.ask("/local/state?mode=live", { method: "PUT", json });
  await bench.post(sampleEvent());
  const state = await bench.get<Record<string, unknown>>("/local/state?mode=live");
  assert.equal(state.last_seq, 1);
  assert.equal((state.health as Record<string, unknown>).unflushed, 1);
  assert.deepEqual(state.snapshot, json);
});

Deno.test("GET /local/state keeps numbers that JavaScript would change", async () => {
  using bench = eventsBench();
  await bench.ask("/local/state?mode=live", {
    method: "PUT",
    body: '{"cash":12345678901234567890.12}',
    headers: { "content-type": "application/json" },
  });
  const text = await (await bench.ask("/local/state?mode=live")).text();
  assert.match(
    text,
    /^\{"cash":12345678901234567890\.12,.*"snapshot":\{"cash":12345678901234567890\.12\}\}$/,
  );
});

Deno.test.each(["{'cash': 1}", "[1]", "1e999"])(
  "GET /local/state answers where another program kept %s as a snapshot",
  async (text) => {
    using bench = eventsBench();
    bench.store.db.prepare(
      "INSERT INTO local_state_snapshots (mode, state_json) VALUES ('live', ?)",
    )
      .run(text);
    assert.equal(
      (await bench.get<{ snapshot: unknown }>("/local/state?mode=live")).snapshot,
      null,
    );
  },
);

Deno.test.each(
  [
    ["a list", [1], 400],
    ["text", "cash", 400],
    ["nothing", undefined, 400],
    ["more than a megabyte", { text: "x".repeat(1 << 20) }, 413],
  ] as const,
)("PUT /local/state refuses %s", async (_, json, status) => {
  using bench = eventsBench();
  const response = await bench.ask("/local/state?mode=live", { method: "PUT", json });
  assert.equal(response.status, status);
  const { n } = bench.store.db.prepare("SELECT count(*) AS n FROM local_state_snapshots").get()!;
  assert.equal(n, 0);
});

Deno.test("The newest hundred snapshots of each mode are kept", async () => {
  using bench = eventsBench();
  for (let n = 1; n <= 105; n++) {
    await bench.ask("/local/state?mode=live", { method: "PUT", json: { n } });
  }
  await bench.ask("/local/state?mode=paper", { method: "PUT", json: { n: 0 } });
  const kept = bench.store.db.prepare(
    "SELECT mode, count(*) AS n, min(state_json ->> 'n') AS oldest FROM local_state_snapshots GROUP BY mode",
  ).all().map((row) => ({ ...row }));
  assert.deepEqual(kept, [
    { mode: "live", n: 100, oldest: 6 },
    { mode: "paper", n: 1, oldest: 0 },
  ]);
});

Deno.test("Writes need the token, reads from this machine do not", async () => {
  using bench = eventsBench();
  const headers = { authorization: null };
  const post = await bench.ask("/local/events", { method: "POST", json: sampleEvent(), headers });
  const put = await bench.ask("/local/state?mode=live", { method: "PUT", json: {}, headers });
  assert.deepEqual([post.status, put.status], [401, 401]);
  assert.equal((await bench.ask("/local/state?mode=live")).status, 200);
});

Deno.test("The routes' documentation is OpenAPI", async () => {
  using bench = eventsBench();
  assert.deepEqual(openApiFlaws(await bench.get("/openapi.json")), []);
});

Deno.test("The hub is told of new events, a few times a second at most", async () => {
  const clock = new FakeClock();
  const hub = new Hub();
  const told: HubMessage[] = [];
  hub.subscribe((message) => told.push(message));
  using bench = eventsBench({ clock, hub });
  const stop = new AbortController();
  const running = bench.stream.run(stop.signal);
  await bench.post(Array.from({ length: 30 }, (_, index) => sampleEvent({ body: `${index}` })));
  await until(() => told.some(({ topic }) => topic === "events"));
  await bench.post(sampleEvent());
  await bench.post(sampleEvent({ mode: "paper" }));
  const news = () =>
    told.filter(({ topic }) => topic === "events").map(({ data }) => data as EventsMessage);
  assert.equal(news().length, 1);
  await clock.advance(250);
  const [first, ...then] = news();
  assert.equal(first?.count, 30);
  assert.equal(first?.last_seq, 30);
  assert.deepEqual(
    first?.events.map(({ seq }) => seq),
    Array.from({ length: 20 }, (_, i) => 11 + i),
  );
  assert.deepEqual(then.map(({ mode, count, last_seq }) => [mode, count, last_seq]), [
    ["paper", 1, 1],
    ["live", 1, 31],
  ]);
  stop.abort();
  await clock.advance(250);
  await running;
});
