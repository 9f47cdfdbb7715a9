import assert from "node:assert/strict";
import {
  rawOf,
  redactRecord,
  redactText,
} from "../../../../src/streams/attendance/storage/redact.ts";

const BLOB = "QUJD".repeat(200);

Deno.test("redactRecord leaves photos, templates and secrets out, at any depth", () => {
  assert.deepEqual(
    redactRecord({
      enrollid: 7,
      name: "Asha",
      "image ": "x",
      Password: 1234,
      card: "00123",
      unknown: BLOB,
      inner: { photo: "x", temp: 36.5, list: [1, BLOB, { pin: 1 }] },
    }),
    { enrollid: 7, name: "Asha", inner: { temp: 36.5, list: [1, null, {}] } },
  );
});

Deno.test("rawOf bounds what is kept of a record", () => {
  const record = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`key${i}`, i]));
  assert.match(rawOf(record), /^\{"removed":"\d+ characters"\}$/);
  assert.equal(rawOf({ a: 1 }), '{"a":1}');
});

Deno.test("redactText removes secrets from what could not be parsed", () => {
  const raw = `USER PIN=7\tName=Asha\tPasswd=4711\tCard=123\nFP PIN=7\tTMP=${BLOB}\n` +
    `{"password":"4711","image":"${BLOB.slice(0, 50)}","record":4711,"pwd" : 4711,"image":"cut`;
  const stripped = redactText(raw);
  assert.doesNotMatch(stripped, /4711|QUJD|cut/);
  assert.match(stripped, /PIN=7\tName=Asha/);
  assert.match(redactText(`x ${BLOB}`), /^x \[800 characters removed\]$/);
});

Deno.test("redactText keeps records, which are no secret, and is not endless", () => {
  const record = '{"record":[{"enrollid":7,"time":"2026-13-45"}]}';
  assert.equal(redactText(record), record);
  assert(redactText("a b ".repeat(100_000)).length < 17_000);
});
