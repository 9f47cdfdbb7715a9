/** @module */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { ANY_ROWID, readPage, type RowidRange, uint } from "../../../src/store/recovery/cells.ts";
import { tempDir } from "../../support/temp.ts";

const PAGE = 4096;
const LEAF = 13;
const ROWS = 200;

/** The leaves of a table whose row `seq` says `row <seq>`. */
function leaves(): Uint8Array[] {
  using dir = tempDir();
  const path = `${dir.path}/rows.db`;
  const db = new DatabaseSync(path);
  db.exec(`
    CREATE TABLE rows (seq INTEGER PRIMARY KEY, says TEXT NOT NULL);
    WITH RECURSIVE n (i) AS (SELECT 128 UNION ALL SELECT i + 1 FROM n WHERE i < ${127 + ROWS})
    INSERT INTO rows SELECT i, 'row ' || i || printf('%.*c', 60, '.') FROM n;
  `);
  db.close();
  const file = Deno.readFileSync(path);
  const pages = Array.from({ length: file.length / PAGE - 1 }, (_, index) => {
    return file.slice((index + 1) * PAGE, (index + 2) * PAGE);
  });
  return pages.filter((page) => page[0] === LEAF);
}

/** Whom the rows of a page are taken to be, by what they say. */
function read(page: Uint8Array, range = ANY_ROWID): Map<string, number> {
  const content = readPage(page, { layout: "rowid", first: false, range, next: () => page });
  return new Map(
    content!.rows.map(({ rowid, values }) => [/^row \d+/.exec(`${values[1]}`)![0], rowid!]),
  );
}

function rangeOf(rows: ReadonlyMap<string, number>): RowidRange {
  return { above: Math.min(...rows.values()) - 1, upTo: Math.max(...rows.values()) };
}

Deno.test("readPage takes no row for another, and loses at most one more, whichever bit of a rowid is flipped", () => {
  const pages = leaves();
  assert(pages.length > 2);
  for (const page of pages) {
    const whole = read(page);
    const range = rangeOf(whole);
    const cells = uint(page, 3, 2);
    assert.equal(whole.size, cells);
    for (let cell = 0; cell < cells; cell++) {
      const rowidAt = uint(page, 8 + 2 * cell, 2) + 1;
      for (let bit = 0; bit < 16; bit++) {
        const damaged = page.slice();
        damaged[rowidAt + (bit >> 3)]! ^= 1 << (bit & 7);
        const left = read(damaged, range);
        const at = `cell ${cell} of ${cells}, bit ${bit}`;
        assert(left.size >= cells - 2, `${at}: ${cells - left.size} lost`);
        for (const [says, rowid] of left) assert.equal(rowid, whole.get(says), `${at}: ${says}`);
      }
    }
  }
});

Deno.test("readPage keeps the rows of a page whose range is told wrong", () => {
  for (const page of leaves()) {
    const whole = read(page);
    const { above, upTo } = rangeOf(whole);
    assert.deepEqual(read(page, { above, upTo: 0 }), whole);
    assert.deepEqual(read(page, { above: upTo, upTo }), whole);
  }
});
