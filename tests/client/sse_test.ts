/** @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { SseParser } from "../../src/client/sse.ts";

const STREAM = ': ping\n\nretry: 1000\n\nid: 1\ndata: {"a":1}\n\n' +
  "event: sync\r\ndata:x\r\ndata: y\r\n\r\nid\r\ndata\r\revent: lost\n\ndata: cut";

const MESSAGES = [
  { event: "message", id: "1", data: '{"a":1}' },
  { event: "sync", id: "1", data: "x\ny" },
  { event: "message", id: "", data: "" },
];

Deno.test("SseParser reads fields, comments and every kind of line break, in whatever pieces", () => {
  assert.deepEqual(new SseParser().push(STREAM), MESSAGES);
  fc.assert(fc.property(fc.array(fc.nat(STREAM.length)), (cuts) => {
    const parser = new SseParser();
    const at = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
    const messages = at.flatMap((cut, index) => parser.push(STREAM.slice(cut, at[index + 1])));
    assert.deepEqual(messages, MESSAGES);
  }));
});
