import assert from "node:assert/strict";
import fc from "fast-check";
import { LineScanner } from "../../../../../src/streams/attendance/protocols/iclock/lines.ts";

function scan(text: string, size = Infinity): { lines: string[]; count: number } {
  const scanner = new LineScanner();
  const bytes = new TextEncoder().encode(text);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    lines.push(...scanner.push(bytes.slice(at, at + size)).flat());
  }
  lines.push(...scanner.end());
  return { lines, count: scanner.count };
}

Deno.test("LineScanner counts lines that are not blank, however they end", () => {
  assert.deepEqual(scan("a\tb\t\r\n\r\n \t\nc"), { lines: ["a\tb\t", "c"], count: 2 });
  assert.deepEqual(scan(""), { lines: [], count: 0 });
});

Deno.test("LineScanner keeps the beginning of a line that holds a template", () => {
  const { lines, count } = scan(`FP PIN=1\tTMP=${"A".repeat(100_000)}\nnext\n`, 1_000);
  assert.equal(count, 2);
  assert.equal(lines[0]!.length, 2_048);
  assert.equal(lines[1], "next");
});

Deno.test("LineScanner hands on long bodies in groups", () => {
  const scanner = new LineScanner();
  const groups = scanner.push(
    new TextEncoder().encode("1001\t2026-10-05 09:15:30\n".repeat(5_000)),
  );
  assert(groups.length > 3);
  assert.equal(groups.flat().length + scanner.end().length, 5_000);
});

Deno.test("LineScanner reads names in the code page of the device", () => {
  const scanner = new LineScanner();
  // 王 in GBK.
  scanner.push(new Uint8Array([0x4e, 0x61, 0x6d, 0x65, 0x3d, 0xcd, 0xf5, 0x0a]));
  assert.deepEqual(scanner.end(), ["Name=王"]);
});

Deno.test("LineScanner finds the same however a body is cut", () => {
  fc.assert(fc.property(
    fc.array(fc.stringMatching(/^[a-zé \t]{0,30}$/), { maxLength: 20 }),
    fc.constantFrom("\n", "\r\n"),
    fc.integer({ min: 1, max: 50 }),
    (lines, end, size) => {
      const expected = lines.filter((line) => line.trim() !== "");
      assert.deepEqual(scan(lines.join(end), size), { lines: expected, count: expected.length });
    },
  ));
});
