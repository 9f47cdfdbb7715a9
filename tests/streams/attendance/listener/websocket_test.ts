import assert from "node:assert/strict";
import fc from "fast-check";
import {
  closeFrame,
  FrameReader,
  ProtocolError,
  textFrame,
  upgradeAnswer,
} from "../../../../src/streams/attendance/listener/websocket.ts";
import { maskedFrame } from "../../../support/fakes/raw_wire.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** What a reader makes of bytes that come in pieces of this size: messages, pings, closes. */
function read(frames: readonly Uint8Array[], size: number): string[] {
  const all = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  let end = 0;
  for (const frame of frames) {
    all.set(frame, end);
    end += frame.length;
  }
  const reader = new FrameReader();
  const decoder = new TextDecoder();
  const found: string[] = [];
  let message: Uint8Array[] = [];
  for (let at = 0; at < all.length; at += size) {
    for (const event of reader.read(all.slice(at, at + size))) {
      if (event.kind === "begin") message = [];
      else if (event.kind === "data") message.push(event.bytes.slice());
      else if (event.kind === "end") {
        found.push(decoder.decode(new Uint8Array(message.flatMap((part) => [...part]))));
      } else if (event.kind === "ping") found.push(`ping ${decoder.decode(event.bytes)}`);
      else if (event.kind === "close") found.push(`close ${event.code}`);
      else found.push("pong");
    }
  }
  return found;
}

Deno.test("FrameReader puts messages together, however they were cut and whatever comes between", () => {
  const message = fc.record({
    text: fc.string({ maxLength: 300 }),
    cuts: fc.array(fc.nat(300), { maxLength: 4 }),
    ping: fc.option(fc.string({ maxLength: 20 })),
  });
  fc.assert(fc.property(
    fc.array(message, { maxLength: 6 }),
    fc.integer({ min: 1, max: 400 }),
    (messages, size) => {
      const frames: Uint8Array[] = [];
      const expected: string[] = [];
      for (const { text, cuts, ping } of messages) {
        const payload = bytes(text);
        const edges = [
          0,
          ...cuts.filter((cut) => cut <= payload.length).sort((a, b) => a - b),
          payload.length,
        ];
        for (let part = 0; part + 1 < edges.length; part++) {
          const final = part + 2 === edges.length;
          if (ping !== null && part > 0) {
            frames.push(maskedFrame(bytes(ping), { opcode: 9 }));
            expected.push(`ping ${ping}`);
          }
          const opcode = part === 0 ? 1 : 0;
          frames.push(maskedFrame(payload.slice(edges[part], edges[part + 1]), { opcode, final }));
        }
        expected.push(text);
      }
      assert.deepEqual(read(frames, size), expected);
    },
  ));
});

Deno.test("FrameReader takes lengths of every size", () => {
  for (const length of [0, 125, 126, 65_535, 65_536, 200_000]) {
    const text = "x".repeat(length);
    assert.deepEqual(read([maskedFrame(bytes(text), { opcode: 1 })], 7_001), [text]);
  }
});

Deno.test("FrameReader understands what is not masked", () => {
  assert.deepEqual(read([textFrame("hello")], 3), ["hello"]);
  assert.deepEqual(read([closeFrame(1001, "bye")], 1), ["close 1001"]);
  assert.deepEqual(read([new Uint8Array([0x88, 0])], 2), ["close 1005"]);
});

Deno.test("FrameReader refuses what breaks the protocol", () => {
  const broken: [string, Uint8Array[]][] = [
    ["reserved bits", [new Uint8Array([0xc1, 0])]],
    ["unknown kind", [new Uint8Array([0x83, 0])]],
    ["continuation of nothing", [maskedFrame(bytes("x"), { opcode: 0 })]],
    ["message within a message", [
      maskedFrame(bytes("x"), { opcode: 1, final: false }),
      maskedFrame(bytes("x"), { opcode: 1 }),
    ]],
    ["a length of 2^63", [new Uint8Array([0x81, 0xff, 0x80, ...new Uint8Array(11)])]],
    ["long control frame", [maskedFrame(bytes("x".repeat(126)), { opcode: 9 })]],
    ["fragmented control frame", [maskedFrame(bytes("x"), { opcode: 9, final: false })]],
  ];
  for (const [name, frames] of broken) {
    assert.throws(() => read(frames, 1_000), ProtocolError, name);
  }
});

Deno.test("upgradeAnswer gives the key of RFC 6455 its answer, and none to other requests", () => {
  const headers = new Map([
    ["upgrade", "WebSocket"],
    ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
  ]);
  const answer = new TextDecoder().decode(upgradeAnswer(headers));
  assert.match(
    answer,
    /^HTTP\/1\.1 101 [^]*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/,
  );
  assert.equal(upgradeAnswer(new Map([["upgrade", "websocket"]])), undefined);
  assert.equal(upgradeAnswer(new Map([["upgrade", "h2c"], ["sec-websocket-key", "x"]])), undefined);
});
