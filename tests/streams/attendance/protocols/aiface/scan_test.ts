import assert from "node:assert/strict";
import fc from "fast-check";
import {
  FrameScanner,
  type Scanned,
} from "../../../../../src/streams/attendance/protocols/aiface/scan.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Scans one message, given in pieces. */
function scan(text: string, { sizes = [Infinity] }: { sizes?: readonly number[] } = {}): Scanned[] {
  const scanner = new FrameScanner();
  const all = bytes(text);
  const found: Scanned[] = [];
  for (let at = 0, piece = 0; at < all.length; piece++) {
    const size = Math.max(1, sizes[piece % sizes.length]!);
    found.push(...scanner.push(all.slice(at, at + size)));
    at += size;
  }
  const garbage = scanner.end();
  return garbage ? [...found, garbage] : found;
}

const groupsOf = (found: readonly Scanned[]) =>
  found.flatMap((scanned) => scanned.kind !== "garbage" && scanned.group ? [scanned.group] : []);

Deno.test("FrameScanner takes the records out of a message", () => {
  assert.deepEqual(
    scan('{"cmd":"sendlog","count ":2,"record":[ {"a":1} , {"a":[{}]}\n],"z":"}"}'),
    [
      {
        kind: "object",
        head: '{"cmd":"sendlog","count ":2,"record":[],"z":"}"}',
        group: '{"a":1},{"a":[{}]}',
      },
    ],
  );
});

Deno.test("FrameScanner leaves records alone that are no array of objects", () => {
  for (
    const text of ['{"record":null}', '{"record":{"a":1}}', '{"other":[{"a":1}]}', '{"record":"x"}']
  ) assert.deepEqual(scan(text), [{ kind: "object", head: text, group: "" }]);
});

Deno.test("FrameScanner empties strings that are too long to be anything but a photo", () => {
  const photo = "A".repeat(5_000);
  const [object] = scan(
    `{"cmd":"x","record":[{"id":7,"image":"${photo}\\"","b":"c"}],"p":"${photo}"}`,
    {
      sizes: [700],
    },
  );
  assert.deepEqual(object, {
    kind: "object",
    head: '{"cmd":"x","record":[],"p":""}',
    group: '{"id":7,"image":"","b":"c"}',
  });
});

Deno.test("FrameScanner gives up what is too long to be parsed at once, and goes on with the next message", () => {
  const members = `${'"a":1,'.repeat(100_000)}"z":0`;
  for (
    const text of [
      `{"cmd":"x",${members}}`,
      `{"cmd":"x","record":[${"10,".repeat(300_000)}1]}`,
      `{"cmd":"x","record":[{"id":1},{${members}},{"id":2}]}`,
    ]
  ) {
    const scanner = new FrameScanner();
    const found: Scanned[] = [];
    for (let at = 0; at < text.length; at += 65_536) {
      found.push(...scanner.push(bytes(text.slice(at, at + 65_536))));
      assert(scanner.held < 600_000);
    }
    assert.equal(scanner.end(), undefined);
    assert.deepEqual(found.map(({ kind }) => kind), ["garbage"]);
    assert(found[0]!.kind === "garbage" && found[0]!.text.length <= 16 * 1024);
    assert.deepEqual(scanner.push(bytes('{"b":2}')), [
      { kind: "object", head: '{"b":2}', group: "" },
    ]);
  }
});

Deno.test("FrameScanner takes any number of records", () => {
  const record = '{"id":1,"text":"not so long"}';
  const found = scan(`{"cmd":"x","record":[${`${record},`.repeat(40_000)}${record}]}`, {
    sizes: [65_536],
  });
  assert.equal(found.at(-1)?.kind, "object");
  assert.equal(groupsOf(found).join(",").split("},{").length, 40_001);
});

Deno.test("FrameScanner skips white space, NUL and byte order marks between objects", () => {
  const objects = scan('\uFEFF{"a":1}\0\0\r\n, {"b":2}\0');
  assert.deepEqual(objects.map((found) => found.kind === "object" && found.head), [
    '{"a":1}',
    '{"b":2}',
  ]);
});

Deno.test("FrameScanner reports what is no object, and goes on with the next", () => {
  assert.deepEqual(scan('nonsense {"a":1} more'), [
    { kind: "garbage", text: "nonsense " },
    { kind: "object", head: '{"a":1}', group: "" },
    { kind: "garbage", text: "more" },
  ]);
});

Deno.test("FrameScanner gives up an object that another message cuts off", () => {
  const scanner = new FrameScanner();
  scanner.push(bytes('{"cmd":"sendlog","record":[{"a'));
  scanner.end();
  assert(scanner.pending);
  const next = bytes(' {"cmd":"checklive"}');
  assert.deepEqual(scanner.begin(next), {
    kind: "garbage",
    text: '{"cmd":"sendlog","record":[ … {"a',
  });
  assert.deepEqual(scanner.push(next), [
    { kind: "object", head: '{"cmd":"checklive"}', group: "" },
  ]);
});

Deno.test("FrameScanner goes on with an object whose rest comes in the next message", () => {
  const scanner = new FrameScanner();
  scanner.push(bytes('{"record":[{"a":1},'));
  assert.equal(scanner.end(), undefined);
  const rest = bytes('{"a":2}]}');
  assert.equal(scanner.begin(rest), undefined);
  assert.deepEqual(scanner.push(rest), [
    { kind: "object", head: '{"record":[]}', group: '{"a":1},{"a":2}' },
  ]);
});

Deno.test("FrameScanner does not follow an object into any depth", () => {
  const scanner = new FrameScanner();
  const [found] = scanner.push(bytes('{"a":'.repeat(10_000)));
  assert.equal(found?.kind, "garbage");
  assert.equal(scanner.held, 0);
  scanner.end();
  assert.equal(scanner.push(bytes('{"a":1}'))[0]?.kind, "object");
});

Deno.test("FrameScanner hands out records before their object ends, and holds neither them nor photos", () => {
  const record = `{"enrollid":7,"time":"2026-10-05 09:15:30","image":"${"A".repeat(20_000)}"}`;
  const scanner = new FrameScanner();
  const found = scanner.push(bytes('{"cmd":"sendlog","record":['));
  for (let i = 0; i < 1_000; i++) {
    found.push(...scanner.push(bytes(`${i ? "," : ""}${record}`)));
    assert(scanner.held < 20_000, `${scanner.held} bytes`);
  }
  assert(found.length > 2);
  for (const scanned of found) {
    assert(scanned.kind === "records");
    assert.equal(scanned.head, '{"cmd":"sendlog","record":[');
    assert(scanned.group.length < 20_000);
  }
  found.push(...scanner.push(bytes("]}")));
  assert.equal(found.at(-1)?.kind, "object");
  assert.equal(JSON.parse(`[${groupsOf(found).join(",")}]`).length, 1_000);
});

Deno.test("FrameScanner finds the same however a message is cut", () => {
  const key = fc.string({ unit: "grapheme", maxLength: 12 });
  const value = fc.jsonValue({ maxDepth: 3, stringUnit: "grapheme" });
  fc.assert(fc.property(
    fc.array(fc.dictionary(key, value), { maxLength: 5 }),
    fc.dictionary(key, value),
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }),
    (records, fields, sizes) => {
      const message = { ...fields, cmd: "sendlog", record: records };
      const [object, ...more] = scan(JSON.stringify(message), { sizes });
      assert.deepEqual(more, []);
      assert(object?.kind === "object");
      assert.deepEqual(
        JSON.parse(object.head),
        JSON.parse(JSON.stringify({ ...message, record: [] })),
      );
      assert.deepEqual(
        JSON.parse(`[${object.group}]`),
        JSON.parse(JSON.stringify(records)),
      );
    },
  ));
});
