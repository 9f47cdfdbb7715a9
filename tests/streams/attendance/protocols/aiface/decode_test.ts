import assert from "node:assert/strict";
import {
  decodeMessage,
  readRecords,
  singleRecord,
} from "../../../../../src/streams/attendance/protocols/aiface/decode.ts";
import { Zone } from "../../../../../src/streams/attendance/storage/time.ts";

const context = {
  zone: new Zone("Asia/Kolkata"),
  receivedMs: Date.parse("2026-10-05T03:50:00Z"),
};
Deno.test("decodeMessage knows a registration, whatever the firmware leaves out", () => {
  assert.deepEqual(
    decodeMessage('{"cmd":"reg","sn":"A1","modelname":"AiFace","firmware":"f1"}'),
    {
      kind: "reg",
      sn: "A1",
      info: { model: "AiFace", firmware: "f1", mac: null, time: null, backlog: null },
    },
  );
  assert.deepEqual(
    decodeMessage('{"cmd ":" reg ","sn":"A1","devinfo":{"usednewlog":"12"}}'),
    {
      kind: "reg",
      sn: "A1",
      info: { model: null, firmware: null, mac: null, time: null, backlog: 12 },
    },
  );
  assert.equal(decodeMessage('{"cmd":"reg"}').kind, "malformed");
});

Deno.test("decodeMessage takes numbers that are text, and an absent logindex as 0", () => {
  assert.deepEqual(decodeMessage('{"cmd":"sendlog","count":"2"}'), {
    kind: "sendlog",
    sn: undefined,
    count: 2,
    logIndex: 0,
  });
});

Deno.test("decodeMessage takes an answer that calls itself a command for an answer", () => {
  for (const word of ["ret", "cmd"]) {
    const message = decodeMessage(`{"${word}":"getalllog","count":0,"record":[]}`);
    assert(message.kind === "reply");
    assert.deepEqual([message.to, message.result], ["getalllog", true]);
  }
});

Deno.test("decodeMessage refuses what is no message", () => {
  for (const head of ["{}", '{"a":1}', '{"cmd":7}', '{"cmd":"x",,}', '{"cmd":""}']) {
    assert.equal(decodeMessage(head).kind, "malformed", head);
  }
});

Deno.test("singleRecord takes one record without an array, and nothing for null", () => {
  assert.equal(singleRecord('{"record":{"enrollid":7}}'), '{"enrollid":7}');
  for (const head of ['{"record":null}', '{"record":{}}', "{}"]) {
    assert.equal(singleRecord(head), "");
  }
});

Deno.test("readRecords reads a punch and leaves its photo behind", () => {
  const { punches } = readRecords(
    '{"enrollid":7,"name":"Asha","time":"2026-10-05T09:15:30","mode":8,"inout":1,"event":2,' +
      '"verifymode":13,"temp":36.5,"image":"/9j/4AAQ"}',
    context,
  );
  assert.deepEqual(punches, [{
    personId: "7",
    deviceTime: "2026-10-05 09:15:30",
    at: "2026-10-05T03:45:30.000Z",
    suspect: false,
    mode: 8,
    inOut: 1,
    event: 2,
    raw: '{"enrollid":7,"name":"Asha","time":"2026-10-05T09:15:30","mode":8,"inout":1,"event":2,' +
      '"verifymode":13,"temp":36.5}',
  }]);
});

Deno.test("readRecords keeps ids as the device has them", () => {
  const ids = ['"007"', "7", "123456789012345678901234567890", '" 42 "', '"A-9"'];
  const group = ids.map((id) => `{"enrollid":${id},"time":"2026-10-05 09:15:30"}`).join(",");
  assert.deepEqual(readRecords(group, context).punches.map(({ personId }) => personId), [
    "007",
    "7",
    "123456789012345678901234567890",
    "42",
    "A-9",
  ]);
});

Deno.test("readRecords quarantines a record that is broken JSON and reads its neighbours", () => {
  const good = '{"enrollid":7,"time":"2026-10-05 09:15:30"}';
  const { punches, unreadable } = readRecords(`${good},{"enrollid":8,,},${good}`, context);
  assert.equal(punches.length, 2);
  assert.deepEqual(unreadable, [{ reason: "not valid JSON", raw: '{"enrollid":8,,}' }]);
});

Deno.test("readRecords quarantines what has no person or no time", () => {
  const { punches, unreadable } = readRecords(
    '{"time":"2026-10-05 09:15:30"},{"enrollid":{},"time":"2026-10-05 09:15:30"},' +
      '{"enrollid":"a b","time":"2026-10-05 09:15:30"},{"enrollid":7},{"enrollid":7,"time":[]}',
    context,
  );
  assert.deepEqual(punches, []);
  assert.equal(unreadable.length, 5);
});

Deno.test("readRecords keeps every digit of an id, however many there are", () => {
  for (const id of ["9007199254740993", "1234567890123456789", "12345678901234567890"]) {
    const group = `{"enrollid": ${id}, "time": "2026-10-05 09:15:30"}`;
    const { punches } = readRecords(group, context);
    assert.equal(punches[0]?.personId, id);
  }
});

Deno.test("readRecords takes a door's and a stranger's record for no person's punch", () => {
  const group = ["0", "99999999", "7"]
    .map((id) => `{"enrollid": ${id}, "time": "2026-10-05 09:15:30"}`).join(",");
  const { punches, events } = readRecords(group, context);
  assert.deepEqual(punches.map(({ personId }) => personId), ["7"]);
  assert.deepEqual(events.map(({ kind, personId }) => [kind, personId]), [
    ["nobody", "0"],
    ["nobody", "99999999"],
  ]);
});
