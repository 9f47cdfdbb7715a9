import assert from "node:assert/strict";
import { linesOf, textOf } from "../../../../src/streams/attendance/storage/text.ts";

/** Bytes in hexadecimal, text in ASCII. */
function bytes(...parts: (string | number[])[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => typeof part === "string" ? [...new TextEncoder().encode(part)] : part),
  );
}

const NAMES: readonly [name: string, encoding: string, bytes: Uint8Array][] = [
  ["Müller", "UTF-8", new TextEncoder().encode("Müller")],
  ["张伟", "UTF-8", new TextEncoder().encode("张伟")],
  ["Müller", "Windows-1252", bytes("M", [0xfc], "ller")],
  ["José", "Windows-1252", bytes("Jos", [0xe9])],
  ["José Ñu", "Windows-1252", bytes("Jos", [0xe9], " ", [0xd1], "u")],
  ["Größe", "Windows-1252", bytes("Gr", [0xf6, 0xdf], "e")],
  ["IÑÁRRITU", "Windows-1252", bytes("I", [0xd1, 0xc1], "RRITU")],
  ["张伟", "GB18030", bytes([0xd5, 0xc5, 0xce, 0xb0])],
  ["张伟B", "GB18030", bytes([0xd5, 0xc5, 0xce, 0xb0], "B")],
  ["朱镕基", "GB18030", bytes([0xd6, 0xec, 0xe9, 0x46, 0xbb, 0xf9])],
];

for (const [name, encoding, given] of NAMES) {
  Deno.test(`textOf reads "${name}" in ${encoding}`, () => {
    assert.equal(textOf(given), name);
    assert.equal(
      textOf(bytes("USER PIN=1\tName=", [...given], "\tPri=0")),
      `USER PIN=1\tName=${name}\tPri=0`,
    );
  });
}

Deno.test("linesOf reads each line in the encoding that fits it", () => {
  const lines = NAMES.flatMap(([, , given]) => [...given, 0x0a]);
  assert.deepEqual(linesOf(Uint8Array.from(lines)), [...NAMES.map(([name]) => name), ""]);
  assert.deepEqual(linesOf(new Uint8Array()), [""]);
  assert.deepEqual(linesOf(bytes("a\n\nb", [0xe9])), ["a", "", "bé"]);
});
