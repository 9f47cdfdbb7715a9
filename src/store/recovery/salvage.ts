/**
 * Salvage: copies what can still be read of a damaged database into the one that took its place. A leaf page of a B-tree
 * holds whole rows. Which table it belongs to follows from the pages above it and, in a database with auto_vacuum, from
 * the pointer map, which has the parent of every page; so a row is lost only with the page that it is on.
 *
 *     root ─► interior ─► leaf    down from the tables,
 *     root ◄─ interior ◄─ leaf    then up from the leaves that this did not reach
 * @module
 */
import { logger } from "../../core/mod.ts";
import {
  ANY_ROWID,
  type ChildPage,
  type PageContent,
  readPage,
  type RowidRange,
  uint,
} from "./cells.ts";
import { type Join, joinRows } from "./join.ts";
import { PAGE_BYTES, Pages } from "./pages.ts";
import { sliceBudget } from "../slices.ts";
import type { Store } from "../store.ts";
import { SCHEMA, type Table, tablesOf } from "./tables.ts";

export interface SalvageOptions {
  joins: readonly Join[];
  signal?: AbortSignal | undefined;
}

/** The result of a salvage. */
export interface Salvaged {
  /** Rows that the database did not have. */
  saved: number;
  /** Rows that could not be read, or were not valid. */
  unreadable: number;
}

/** Reads a damaged database that was moved aside into the store. A salvage that was interrupted is repeated. */
export async function salvage(
  store: Store,
  damaged: string,
  { joins, signal = store.closing }: SalvageOptions,
): Promise<Salvaged> {
  using pages = new Pages(damaged);
  logger("store").warn("Reading what is left of {damaged}, {pages} pages", {
    damaged,
    pages: pages.count,
  });
  const contents = readTables(pages, tablesOf(store.db));
  const join = joinRows(store.db, joins);
  const salvaged = { saved: 0, unreadable: 0 };
  const step = (): boolean => {
    const budget = sliceBudget();
    const before = { ...salvaged };
    try {
      while (budget.left()) {
        const { value, done } = contents.next();
        if (done) return false;
        const { saved, unreadable } = join(value.table, value.content.rows);
        salvaged.saved += saved;
        salvaged.unreadable += unreadable + value.content.unreadable;
      }
      return true;
    } catch (error) {
      Object.assign(salvaged, before);
      throw error;
    }
  };
  while (await store.write(step)) signal.throwIfAborted();
  return salvaged;
}

interface TablePage {
  table: Table;
  content: PageContent;
}

/** Every page of every table, as far as it can be read. */
function* readTables(pages: Pages, tables: readonly Table[]): Generator<TablePage> {
  const seen = new Uint8Array(pages.count + 1);
  const parents = new PointerMap(pages);
  const roots = new Map<number, Table>();
  const schema = readTree(pages, { root: 1, table: SCHEMA, seen });
  const orphans = readOrphans(pages, { parents, roots: new Map([[1, SCHEMA]]), seen });
  for (const { content } of [...schema, ...orphans]) {
    for (const { values: [, name, , root] } of content.rows) {
      const table = tables.find((table) => table.name === name);
      if (table && typeof root === "number") roots.set(root, table);
    }
  }
  // Where the schema is damaged: the same migrations put the tables in the same places.
  const named = new Set(roots.values());
  for (const table of tables) {
    if (!named.has(table) && !roots.has(table.root)) roots.set(table.root, table);
  }
  for (const [root, table] of roots) yield* readTree(pages, { root, table, seen });
  yield* readOrphans(pages, { parents, roots, seen });
}

function* readTree(
  pages: Pages,
  { root, table, seen }: { root: number; table: Table; seen: Uint8Array },
): Generator<TablePage> {
  const waiting: ChildPage[] = [{ page: root, ...ANY_ROWID }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { page } = next;
    if (page < 1 || page > pages.count || seen[page]) continue;
    const content = contentOf(pages, page, { table, range: next });
    // A page that does not fit this table may belong to another.
    if (!content) continue;
    seen[page] = 1;
    waiting.push(...content.children.reverse());
    yield { table, content };
  }
}

function* readOrphans(
  pages: Pages,
  options: { parents: PointerMap; roots: ReadonlyMap<number, Table>; seen: Uint8Array },
): Generator<TablePage> {
  const { parents, roots, seen } = options;
  for (let page = 2; page <= pages.count; page++) {
    const table = seen[page] ? undefined : roots.get(parents.rootOf(page));
    const content = table && contentOf(pages, page, { table });
    if (!content) continue;
    seen[page] = 1;
    yield { table, content };
  }
}

function contentOf(
  pages: Pages,
  page: number,
  { table: { layout }, range = ANY_ROWID }: { table: Table; range?: RowidRange },
): PageContent | undefined {
  return readPage(pages.read(page), {
    layout,
    first: page === 1,
    range,
    next: (other) => pages.read(other),
  });
}

/** Entries on one page of the pointer map. */
const ENTRIES = Math.floor(PAGE_BYTES / 5);
/** SQLite does not use the page at offset 1 GiB: its lock bytes are there. */
const LOCK_PAGE = 0x40000000 / PAGE_BYTES + 1;
/** Deeper than any B-tree of ours. */
const MAX_LEVELS = 20;

/** The pointer map: https://www.sqlite.org/fileformat2.html#pointer_map_or_ptrmap_pages */
class PointerMap {
  readonly #pages: Pages;
  readonly #lists = new Map<number, Uint8Array>();

  constructor(pages: Pages) {
    this.#pages = pages;
  }

  /** The root of the B-tree that a page belongs to; 0 when it is free, an overflow page, or not known. */
  rootOf(page: number): number {
    for (let level = 0; level < MAX_LEVELS; level++) {
      const { type, parent } = this.#entry(page);
      if (type === ROOT) return page;
      if (type !== INNER_OR_LEAF) return 0;
      if (parent === 1) return 1;
      page = parent;
    }
    return 0;
  }

  #entry(page: number): { type: number; parent: number } {
    let list = Math.floor((page - 2) / (ENTRIES + 1)) * (ENTRIES + 1) + 2;
    if (list === LOCK_PAGE) list++;
    const at = 5 * (page - list - 1);
    if (page < 2 || page > this.#pages.count || at < 0) return { type: 0, parent: 0 };
    const bytes = this.#list(list);
    if (at + 5 > bytes.length) return { type: 0, parent: 0 };
    return { type: bytes[at]!, parent: uint(bytes, at + 1, 4) };
  }

  #list(page: number): Uint8Array {
    let bytes = this.#lists.get(page);
    if (!bytes) {
      bytes = this.#pages.read(page);
      this.#lists.set(page, bytes);
    }
    return bytes;
  }
}

const ROOT = 1;
const INNER_OR_LEAF = 5;
