import assert from "node:assert/strict";
import { Warnings } from "../../../../src/core/mod.ts";
import { type Approval, Device } from "../../../../src/streams/attendance/devices/device.ts";
import {
  toEvict,
  warnListFull,
  warnOfPending,
} from "../../../../src/streams/attendance/devices/pending.ts";
import { Zone } from "../../../../src/streams/attendance/storage/time.ts";

const NOW = Date.parse("2026-11-21T12:00:00.000Z");
const MINUTE_MS = 60_000;
const ROOM = 64;

interface Heard {
  approval?: Approval;
  address?: string;
  minutesAgo?: number;
}

function device(sn: string, { approval = "pending", address = "10.0.0.5", minutesAgo = 1 }: Heard) {
  const made = new Device(sn, approval, new Zone("UTC"));
  made.address = address;
  made.lastSeenMs = NOW - minutesAgo * MINUTE_MS;
  return made;
}

/** As many as there are, each heard a millisecond later than the one before. */
function devices(count: number, heard: Heard = {}): Device[] {
  return Array.from({ length: count }, (_, n) => {
    const made = device(`${heard.address ?? "S"}-${n}`, heard);
    made.lastSeenMs! += n;
    return made;
  });
}

const leaver = (list: readonly Device[], address = "10.0.0.6") => {
  const who = toEvict(list, { now: NOW, address });
  return who instanceof Device ? who.sn : who;
};

Deno.test("toEvict has room for 64 strangers, whatever was decided about others", () => {
  const decided = [
    ...devices(100, { approval: "approved" }),
    ...devices(100, { approval: "refused" }),
  ];
  assert.equal(leaver([...decided, ...devices(ROOM - 1)]), undefined);
  assert.equal(leaver([...decided, ...devices(ROOM)]), "S-0");
  // One that is not understood takes room as well.
  const both = [...devices(ROOM - 1), device("U", { approval: "unsupported", minutesAgo: 5 })];
  assert.equal(leaver(both), "U");
});

Deno.test("toEvict lets one leave that was not heard for an hour, also at the newcomer's address", () => {
  const list = devices(ROOM - 1);
  const at = (minutesAgo: number) =>
    leaver([...list, device("OLD", { address: "10.0.0.9", minutesAgo })], "10.0.0.5");
  assert.equal(at(60), "OLD");
  assert.equal(at(59), "nobody");
});

Deno.test("toEvict takes one that was heard in the future for one that was heard long ago", () => {
  // The clock has been set back by a day: nobody was heard before that.
  assert.equal(leaver(devices(ROOM, { minutesAgo: -24 * 60 })), "S-0");
  assert.equal(leaver(devices(ROOM, { minutesAgo: -24 * 60 }), "10.0.0.5"), "S-0");
});

Deno.test("toEvict lets one of the address leave that has most of the list, its longest unheard", () => {
  const crowd = devices(40, { address: "10.0.0.66" });
  const few = devices(ROOM - 40, { address: "10.0.0.6", minutesAgo: 30 });
  assert.equal(leaver([...few, ...crowd], "10.0.0.7"), "10.0.0.66-0");
  assert.equal(leaver([...few, ...crowd], "10.0.0.6"), "10.0.0.66-0");
});

Deno.test("toEvict turns a newcomer away whose address has most of the list, or as much as another", () => {
  const half = (address: string) => devices(ROOM / 2, { address });
  const list = [...half("10.0.0.5"), ...half("10.0.0.6")];
  for (const address of ["10.0.0.5", "10.0.0.6"]) assert.equal(leaver(list, address), "nobody");
  // One of two that are nearly equal would leave for the other, and come back for it.
  const nearly = [...devices(33, { address: "10.0.0.5" }), ...devices(31, { address: "10.0.0.6" })];
  assert.equal(leaver(nearly, "10.0.0.6"), "10.0.0.5-0");
  const closer = [
    ...devices(32, { address: "10.0.0.5" }),
    ...devices(31, { address: "10.0.0.6" }),
    ...devices(1, { address: "10.0.0.7" }),
  ];
  assert.equal(leaver(closer, "10.0.0.6"), "nobody");
});

Deno.test("warnOfPending names five that wait, and withdraws its warnings with the last of them", () => {
  const warnings = new Warnings();
  const said = () => warnings.list().map(({ code, message }) => `${code}: ${message}`);
  warnOfPending([device("A1", {}), device("B", { approval: "approved" })], warnings);
  assert.match(
    said().join("\n"),
    /^attendance\.pending: Device A1 is waiting .*devices approve A1`$/,
  );
  warnOfPending(devices(7), warnings);
  assert.match(
    said().join("\n"),
    /: 7 devices are waiting .*: S-0, S-1, S-2, S-3, S-4, …\. Approve/,
  );
  warnOfPending(devices(ROOM), warnings);
  warnListFull(warnings);
  warnOfPending(devices(ROOM), warnings);
  assert.equal(said().length, 2, "while the list is full");
  warnOfPending(devices(ROOM - 1), warnings);
  assert.equal(said().length, 1, "one of them was decided about");
  warnOfPending(devices(3, { approval: "refused" }), warnings);
  assert.deepEqual(said(), []);
});
