/** @module */
import assert from "node:assert/strict";
import {
  type FleetMachine,
  listed,
  machineState,
  passes,
  usedText,
  weekMinutes,
} from "../../../src/dashboard/model/fleet.ts";

const NOW = Date.parse("2026-11-21T12:00:00Z");

function machine(fields: Partial<FleetMachine> = {}): FleetMachine {
  return {
    ...{ systemId: "s", deviceId: "d", name: "PC", version: "0.2.0", processName: null },
    ...{ limitMin: 120, usedMin: 30, leftMin: 90, isPlaying: false, waiting: 0, lastError: null },
    ...{ receivedMs: NOW, seenMs: NOW, days: {} },
    ...fields,
  };
}

const SILENT = { seenMs: NOW - 10 * 60_000 - 1 };

Deno.test("machineState names the most urgent thing", () => {
  const cases: [Partial<FleetMachine>, string][] = [
    [{}, "idle"],
    [{ isPlaying: true }, "playing"],
    [{ usedMin: 120, leftMin: 0 }, "idle"],
    [{ usedMin: 121, leftMin: 0 }, "over"],
    // The week is used up.
    [{ leftMin: 0, isPlaying: true }, "over"],
    [{ limitMin: null, leftMin: null, usedMin: 900, isPlaying: true }, "playing"],
    [{ seenMs: NOW - 10 * 60_000, usedMin: 121 }, "over"],
    [{ ...SILENT, usedMin: 121, isPlaying: true }, "silent"],
    [{ ...SILENT, lastError: "Sign in again" }, "error"],
  ];
  for (const [fields, state] of cases) {
    assert.equal(machineState(machine(fields), NOW), state, JSON.stringify(fields));
  }
});

Deno.test("passes: a silent machine does not play, whatever it said last", () => {
  const silent = machine({ ...SILENT, isPlaying: true });
  const over = machine({ isPlaying: true, usedMin: 200 });
  const shown = (each: FleetMachine) =>
    (["all", "playing", "attention", "silent"] as const).filter((filter) =>
      passes(each, filter, NOW)
    );
  assert.deepEqual(shown(machine()), ["all"]);
  assert.deepEqual(shown(silent), ["all", "attention", "silent"]);
  assert.deepEqual(shown(over), ["all", "playing", "attention"]);
});

Deno.test("listed puts the most urgent first, then names as people count", () => {
  const machines = [
    machine({ name: "PC 10", deviceId: "1" }),
    machine({ name: "PC 9", deviceId: "2" }),
    machine({ name: "playing", deviceId: "3", isPlaying: true }),
    machine({ name: "over", deviceId: "4", usedMin: 130 }),
    machine({ name: "silent", deviceId: "5", ...SILENT }),
    machine({ name: "broken", deviceId: "6", lastError: "x" }),
  ];
  const names = (text: string, filter: "all" | "attention" = "all") =>
    listed(machines, { filter, text, nowMs: NOW }).map(({ name }) => name);
  assert.deepEqual(names(""), ["broken", "silent", "over", "playing", "PC 9", "PC 10"]);
  assert.deepEqual(names(" pc "), ["PC 9", "PC 10"]);
  assert.deepEqual(names("", "attention"), ["broken", "silent", "over"]);
  // By its id, too.
  assert.deepEqual(names("6"), ["broken"]);
});

Deno.test("weekMinutes has seven UTC days, usedText the limit", () => {
  const days = { "2026-11-21": 30, "2026-11-15": 5, "2026-11-14": 99 };
  assert.deepEqual(weekMinutes(machine({ days }), NOW), [5, 0, 0, 0, 0, 0, 30]);
  assert.equal(usedText(machine()), "30 mins of 2 hrs");
  assert.equal(usedText(machine({ limitMin: null })), "30 mins");
});
