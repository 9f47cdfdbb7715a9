import assert from "node:assert/strict";
import { ReadScheduler } from "../../../../src/streams/attendance/listener/read_scheduler.ts";

const KIB = 1024;

/** Reads of this size, one after the other; how many turns of a timer they took. */
async function turns(reads: number, bytes: number): Promise<number> {
  const pace = new ReadScheduler();
  let waits = 0;
  for (let read = 0; read < reads; read++) {
    const turn = pace.take(bytes, { known: true });
    if (!turn) continue;
    waits++;
    await turn;
  }
  return waits;
}

Deno.test("ReadScheduler lets a fast sender have its share of a turn", async () => {
  assert.equal(await turns(4, 64 * KIB), 0);
  assert.equal(await turns(40, 64 * KIB), 9);
});

Deno.test("ReadScheduler does not hold up many who have little to say", async () => {
  assert.equal(await turns(1_000, 200), 0);
  const pace = new ReadScheduler();
  for (let i = 0; i < 4; i++) assert.equal(pace.take(64 * KIB, { known: true }), undefined);
  let through = 0;
  const waiting = Array.from(
    { length: 500 },
    () => pace.take(200, { known: true })!.then(() => through++),
  );
  await waiting[0];
  assert.equal(through, 500, "all of them in one turn");
  await Promise.all(waiting);
});

Deno.test("ReadScheduler keeps a share for devices, however much strangers send", async () => {
  const pace = new ReadScheduler();
  const strangers = Array.from({ length: 100 }, () => pace.take(64 * KIB, { known: false }));
  assert.equal(strangers.filter(Boolean).length, 99);
  for (let i = 0; i < 4; i++) assert.equal(pace.take(64 * KIB, { known: true }), undefined);
  let turns = 0;
  void strangers[1]!.then(() => turns++);
  void strangers[2]!.then(() => turns++);
  await pace.take(64 * KIB, { known: true });
  assert(turns <= 1, "it comes with the next turn");
  await Promise.all(strangers);
});
