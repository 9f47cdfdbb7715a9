/** Punches that a person adds, strikes out and restores, over the API with its schemas. @module */
import assert from "node:assert/strict";
import { testApi } from "../../support/api.ts";
import { until } from "../../support/until.ts";
import { Relay, type RelayOptions } from "./relay.ts";

interface Punch {
  id: string;
  direction: string | null;
  direction_by: string | null;
  struck: boolean;
  added_by: string | null;
  punched_at: string;
  synced_at: string | null;
}

/** A day of person 7: in at 09:00, out at 09:15, by a device that says nothing of directions. */
async function office(options: RelayOptions = {}) {
  const relay = await Relay.start(options);
  await relay.iclock().post("ATTLOG", "7\t2026-10-05 09:00:00\n7\t2026-10-05 09:15:00\n");
  const api = testApi({ store: relay.store, routes: relay.stream.routes!, hub: relay.hub });
  const correct = async (json: unknown) => {
    const answer = await api.ask("/punches/corrections", { method: "POST", json });
    return { status: answer.status, body: await answer.json() };
  };
  const read = async <T>(path: string) => await (await api.ask(path)).json() as T;
  return {
    relay,
    correct,
    read,
    /** Oldest first, once their directions are these. */
    async directions(...wanted: (string | null)[]) {
      let punches: Punch[] = [];
      await until(async () => {
        await relay.clock.advance(10_000);
        punches = (await read<Punch[]>("/punches")).reverse();
        return JSON.stringify(punches.map(({ direction }) => direction)) === JSON.stringify(wanted);
      }, `directions ${wanted}`);
      return punches;
    },
    async [Symbol.asyncDispose]() {
      api[Symbol.dispose]();
      await relay[Symbol.asyncDispose]();
    },
  };
}

const WHY = { reason: "forgot", by: "Ann" };

Deno.test("A punch is added by a person: it counts, says by whom and why, and turns those behind it", async () => {
  await using at = await office();
  await at.directions("in", "out");
  const { status, body } = await at.correct({
    kind: "add",
    person_id: "7",
    at: "2026-10-05 08:30",
    ...WHY,
  });
  assert.equal(status, 200);
  assert.match(body.id, /^[0-9a-f-]{36}$/);
  assert.equal(body.punched_at, "2026-10-05T03:00:00.000Z");
  const [added, ...others] = await at.directions("in", "out", "in");
  assert.deepEqual([added!.id, added!.added_by], [body.punch_id, body.id]);
  assert.ok(others.every(({ added_by, struck }) => added_by === null && !struck));
  const listed = await at.read<unknown[]>("/punches/corrections?person=7");
  assert.deepEqual(listed, [body]);
  assert.equal(body.by, "Ann");
  assert.deepEqual(at.relay.messages.filter(({ topic }) => topic === "corrections").length, 1);
});

Deno.test("A direction that a person gave stands against every other", async () => {
  await using at = await office();
  const time = "2026-10-05T03:00:00Z";
  await at.correct({ kind: "add", person_id: "7", at: time, direction: "out", ...WHY });
  const [added] = await at.directions("out", "in", "out");
  assert.equal(added!.direction_by, "person");
});

Deno.test("A punch that was struck out is shown and does not count, until it is restored", async () => {
  await using at = await office();
  const [first] = await at.directions("in", "out");
  const strike = { kind: "strike", punch_id: first!.id, ...WHY };
  assert.equal((await at.correct(strike)).status, 200);
  const again = await at.correct(strike);
  assert.equal(again.status, 409);
  assert.match(again.body.detail, /is struck out already/);
  const [struck] = await at.directions(null, "in");
  assert.deepEqual([struck!.id, struck!.struck], [first!.id, true]);
  assert.equal((await at.correct({ ...strike, kind: "restore" })).status, 200);
  assert.equal((await at.correct({ ...strike, kind: "restore" })).status, 409);
  const punches = await at.directions("in", "out");
  assert.ok(punches.every(({ struck }) => !struck));
  const kinds = (await at.read<{ kind: string }[]>("/punches/corrections")).map(({ kind }) => kind);
  assert.deepEqual(kinds, ["restore", "strike"]);
});

Deno.test("A correction that makes no sense is refused, and nothing is stored", async () => {
  await using at = await office();
  const add = { kind: "add", person_id: "7", at: "2026-10-05 08:30", ...WHY };
  assert.equal((await at.correct(add)).status, 200);
  const cases: [unknown, number, RegExp][] = [
    [add, 409, /there already/],
    [{ ...add, at: "2026-10-05 09:30" }, 400, /in the future/],
    [{ ...add, at: "2026-02-30 09:30" }, 400, /no time of the calendar/],
    [{ ...add, at: "2026-02-30T04:00:00Z" }, 400, /expected a time/],
    [{ ...add, at: "2019-10-05 09:30" }, 400, /before 2020/],
    [{ ...add, reason: " " }, 400, /reason/],
    [{ ...add, by: "x".repeat(201) }, 400, /who does it/],
    [{ ...add, reason: undefined }, 400, /reason/],
    [{ kind: "strike", punch_id: "none", ...WHY }, 404, /No such punch/],
    [{ kind: "erase", punch_id: "none", ...WHY }, 400, /kind/],
  ];
  for (const [json, status, words] of cases) {
    const answer = await at.correct(json);
    assert.equal(answer.status, status, JSON.stringify(json));
    assert.match(JSON.stringify(answer.body), words);
  }
  assert.equal(at.relay.count("punch_corrections"), 1);
  assert.equal(at.relay.punches().length, 3);
});

Deno.test("A corrected punch that the cloud has is sent again", async () => {
  await using at = await office();
  const [first] = await at.directions("in", "out");
  const { store, stream } = at.relay;
  const { outbox } = stream;
  const ids = outbox!.pending(10).rows.map(({ id }) => id);
  await store.write(() => outbox!.settle(ids, "2026-10-05T03:50:00.000Z"));
  await at.correct({ kind: "strike", punch_id: first!.id, ...WHY });
  assert.ok(outbox!.depth().rows >= 1);
  assert.ok(outbox!.pending(10).rows.some(({ id }) => id === first!.id));
});

Deno.test("GET /punches/corrections answers page by page, each once", async () => {
  await using at = await office();
  for (let minute = 10; minute < 15; minute++) {
    const time = `2026-10-05 08:${minute}`;
    assert.equal(
      (await at.correct({ kind: "add", person_id: "8", at: time, ...WHY })).status,
      200,
    );
  }
  const seen: string[] = [];
  let path = "/punches/corrections?limit=2&from=2026-10-05&to=2026-10-05";
  for (let page = 0; page < 5; page++) {
    const rows = await at.read<{ id: string; punched_at: string }[]>(path);
    if (rows.length === 0) break;
    seen.push(...rows.map(({ punched_at }) => punched_at));
    const { id, punched_at } = rows.at(-1)!;
    path = `/punches/corrections?limit=2&before=${punched_at}.${id}`;
  }
  assert.equal(seen.length, 5);
  assert.deepEqual(seen, seen.toSorted().reverse());
});
