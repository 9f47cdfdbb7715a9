import assert from "node:assert/strict";
import {
  alternate,
  type Decision,
  type DeviceRole,
  type Direction,
  meansStatus,
  saidDirection,
  statusBit,
} from "../../../../src/streams/attendance/sheets/direction.ts";

const HOUR_MS = 3_600_000;
const LIMIT = { maxStayMs: 16 * HOUR_MS };

/** The directions of one person's punches, which are in the order of time. */
function decided(punches: readonly { atMs: number; said: Decision | undefined }[]): Decision[] {
  let last: { atMs: number; direction: Direction } | undefined;
  return punches.map(({ atMs, said }) => {
    const decision = said ?? alternate(atMs, last, LIMIT);
    last = { atMs, direction: decision.direction };
    return decision;
  });
}

/** Directions of punches at these hours that say nothing themselves. */
function alternated(...hours: number[]): string {
  const punches = hours.map((hour) => ({ atMs: Math.round(hour * HOUR_MS), said: undefined }));
  return decided(punches).map(({ direction }) => direction).join(" ");
}

Deno.test("alternate: punches that say nothing take turns, over midnight too", () => {
  assert.equal(alternated(9, 12, 13, 17), "in out in out");
  assert.equal(alternated(22, 30, 46, 54), "in out in out");
});

Deno.test("alternate: after a forgotten exit the next day begins with an entry", () => {
  assert.equal(alternated(9, 33, 41), "in in out");
  assert.equal(alternated(9, 25, 49), "in out in", "16 hours are a stay");
  assert.equal(alternated(9, 25.001, 33), "in in out", "a moment more is none");
});

Deno.test("alternate: a second tap within a minute repeats the first", () => {
  const minute = 1 / 60;
  assert.equal(alternated(9, 9 + minute, 17, 17 + minute / 2), "in in out out");
  assert.equal(alternated(9, 9 + 2 * minute), "in out");
});

Deno.test("alternate: what a punch says itself counts, and the next goes by it", () => {
  const said = (direction: "in" | "out") => ({ direction, by: "device_role" }) as const;
  const directions = decided([
    { atMs: 9 * HOUR_MS, said: said("out") },
    { atMs: 10 * HOUR_MS, said: undefined },
    { atMs: 11 * HOUR_MS, said: said("in") },
    { atMs: 12 * HOUR_MS, said: undefined },
  ]);
  assert.deepEqual(directions, [
    said("out"),
    { direction: "in", by: "alternation" },
    said("in"),
    { direction: "out", by: "alternation" },
  ]);
});

Deno.test("saidDirection asks the role first, then the status where the device sends it", () => {
  const asked = (role: DeviceRole | null, sendsStatus: boolean, status: number | null) =>
    saidDirection({ role, sendsStatus }, status)?.direction;
  assert.equal(asked("entrance", true, 1), "in");
  assert.equal(asked("exit", true, 0), "out");
  assert.equal(asked("both", true, 1), "out");
  assert.equal(asked(null, false, 1), undefined);
  const known = [0, 1, 2, 3, 4, 5, 255, null].map((status) => asked(null, true, status));
  assert.deepEqual(known, ["in", "out", "out", "in", "in", "out", undefined, undefined]);
});

Deno.test("meansStatus believes a device that has sent more than one status, or AiFace another than 0", () => {
  const means = (protocol: string, ...sent: (number | null)[]) =>
    meansStatus(protocol, sent.reduce<number>((bits, status) => bits | statusBit(status), 0));
  assert.equal(means("iclock", 0, 0), false);
  assert.equal(means("iclock", 1, 1), false);
  assert.equal(means("iclock", 0, 255, 40, -1, null), false);
  assert.equal(means("iclock", 0, 1), true);
  assert.equal(means("aiface", 0, 0), false);
  assert.equal(means("aiface", 1), true);
});
