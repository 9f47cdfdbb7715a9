import assert from "node:assert/strict";
import { Puller } from "../../../../../src/streams/attendance/protocols/aiface/pull.ts";
import { FakeClock } from "../../../../support/fakes/fake_clock.ts";

const WINDOW = { from: "2026-10-04", to: "2026-10-05" };
const PAGE = { records: 50, count: 120, from: 0, to: 49, result: true };
const STORED = { stored: true };

function puller() {
  const sent: Record<string, unknown>[] = [];
  const clock = new FakeClock();
  return { sent, clock, puller: new Puller((command) => sent.push({ ...command }), { clock }) };
}

Deno.test("Puller asks one thing at a time", () => {
  const { puller: asking, sent } = puller();
  asking.ask(WINDOW);
  asking.ask({ from: "2026-10-01", to: "2026-10-02" });
  asking.ask({ from: "2026-10-05", to: "2026-10-05" });
  asking.sweep();
  asking.sweep();
  assert.equal(sent.length, 1, "one is outstanding");
  asking.answered({ ...PAGE, records: 0 }, STORED);
  assert.deepEqual(sent[1], { cmd: "getalllog", stn: true, from: "2026-10-01", to: "2026-10-02" });
  asking.answered({ ...PAGE, records: 0 }, STORED);
  asking.sweep();
  assert.equal(sent.length, 2, "a day within what was asked for is not asked for again");
});

Deno.test("Puller gives up after 20 seconds and goes on with the next", async () => {
  const { puller: asking, sent, clock } = puller();
  asking.ask(WINDOW);
  asking.ask({ from: "2026-10-01", to: "2026-10-02" });
  asking.sweep();
  await clock.sleep(21_000);
  asking.sweep();
  assert.equal(sent.length, 2);
  await clock.sleep(21_000);
  asking.sweep();
  asking.answered(PAGE, STORED);
  assert.equal(sent.length, 2, "a late answer is no reason to ask on");
});

Deno.test("Puller ends at a page it could not store, a failure, and a page that comes twice", () => {
  const ends: [typeof PAGE, { stored: boolean }][] = [
    [PAGE, { stored: false }],
    [{ ...PAGE, result: false }, STORED],
    [{ ...PAGE, count: 50 }, STORED],
  ];
  for (const [page, stored] of ends) {
    const { puller: asking, sent } = puller();
    asking.ask(WINDOW);
    asking.sweep();
    asking.answered(page, stored);
    assert.equal(sent.length, 1);
  }
  const { puller: asking, sent } = puller();
  asking.ask(WINDOW);
  asking.sweep();
  for (let i = 0; i < 10; i++) asking.answered(PAGE, STORED);
  assert.equal(sent.length, 2, "the same page again means that the device does not turn pages");
});
