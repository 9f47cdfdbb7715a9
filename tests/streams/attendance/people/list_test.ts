import assert from "node:assert/strict";
import { decodeCsv, readCsv } from "../../../../src/streams/attendance/people/csv.ts";
import { NoIds, readList } from "../../../../src/streams/attendance/people/list.ts";

const ENCODINGS: readonly [name: string, bytes: readonly number[]][] = [
  ["UTF-8", [0x5a, 0x6f, 0xc3, 0xab]],
  ["UTF-8 with a byte order mark", [0xef, 0xbb, 0xbf, 0x5a, 0x6f, 0xc3, 0xab]],
  ["Windows-1252", [0x5a, 0x6f, 0xeb]],
  ["UTF-16", [0xff, 0xfe, 0x5a, 0, 0x6f, 0, 0xeb, 0]],
];

for (const [name, bytes] of ENCODINGS) {
  Deno.test(`A list in ${name} is read`, () => {
    assert.equal(decodeCsv(Uint8Array.from(bytes)), "Zoë");
  });
}

for (const separator of [",", ";", "\t"]) {
  Deno.test(`Cells may be separated by ${JSON.stringify(separator)}`, () => {
    const text = ['"id, or; number"', "name"].join(separator) + "\r\n" +
      ["7", '"Smith, Ann; ""Annie"""'].join(separator) + "\r\n";
    assert.deepEqual([...readCsv(text)], [
      { line: 1, cells: ["id, or; number", "name"] },
      { line: 2, cells: ["7", 'Smith, Ann; "Annie"'] },
    ]);
  });
}

Deno.test("A broken line spoils no other, and a cell may go over several lines", () => {
  const text = 'id,name\n\n7,"Ann\n8,Bo\n9,C"y\n10,"Di\nE"\n11,Fay';
  const broken = { message: "a quotation mark is open, or stands inside a cell" };
  assert.deepEqual([...readCsv(text)].slice(1), [
    { line: 3, ...broken },
    { line: 4, cells: ["8", "Bo"] },
    { line: 5, ...broken },
    { line: 6, cells: ["10", "Di\nE"] },
    { line: 8, cells: ["11", "Fay"] },
  ]);
});

Deno.test("Columns are known by their headings, in any order and case", () => {
  const text = "Remark;ALIASES;Employee Name;Emp-Code;Dept.;Is active\n" +
    "x;1007 2007;Ann Smith;007;Sales;No\n;;;8;;\n";
  assert.deepEqual([...readList(text)], [
    {
      line: 2,
      personId: "007",
      change: { name: "Ann Smith", department: "Sales", active: false, aliases: ["1007", "2007"] },
    },
    {
      line: 3,
      personId: "8",
      change: { name: undefined, department: undefined, active: undefined, aliases: undefined },
    },
  ]);
});

Deno.test("A list that was exported for a spreadsheet is read as it was", () => {
  const [listed] = [...readList("id,name\n7,'=Ann\n")];
  assert.equal(listed && "change" in listed && listed.change.name, "=Ann");
});

Deno.test("What cannot be used is said by its line", () => {
  const text =
    "id,name,active,aliases\n,Ann,,\na b,Bo,,\n9,Cy,perhaps,\n10,Di,,11\n11,Eve,,\n12,Fay,yes,";
  const found = [...readList(text)];
  assert.deepEqual(found.flatMap((one) => "message" in one ? [[one.line, one.message]] : []), [
    [2, "it has no id"],
    [3, '"a b" is no id'],
    [4, '"perhaps" is neither yes nor no'],
    [6, '"11" stands in line 5 already'],
  ]);
  assert.deepEqual(found.flatMap((one) => "personId" in one ? [one.personId] : []), ["10", "12"]);
});

for (const text of ["", "name,department\nAnn,Sales\n", '"id']) {
  Deno.test(`A list without ids is refused: ${JSON.stringify(text)}`, () => {
    assert.throws(() => [...readList(text)], NoIds);
  });
}
