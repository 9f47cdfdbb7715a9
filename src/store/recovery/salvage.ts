/**
 * What can still be read of a damaged database, brought back into the one that took its place. Each page says by
 * itself which rows it holds. Which table it belongs to say both the pages above it and, in a file that gives space
 * back, a list of every page's parent; so a row is lost only with the page it stands on.
 *
 *     root ─► inner ─► page    down from the tables,
 *     root ◄─ inner ◄─ page    then up from the pages that this did not reach
 * @module
 */
import { logger } from "../../core/mod.ts";
import { type PageContent, readPage, uint } from "./cells.ts";
import { type Join, joinRows } from "./join.ts";
import { PAGE_BYTES, Pages } from "./pages.ts";
import { sliceBudget } from "../slices.ts";
import type { Store } from "../store.ts";
import { SCHEMA, type Table, tablesOf } from "./tables.ts";

export interface SalvageOptions {
  joins: readonly Join[];
  signal?: AbortSignal | undefined;
}

/** What a salvage came to. */
export interface Salvaged {
  /** Rows that the database did not have. */
  saved: number;
  /** Rows that were there but made no sense. */
  unreadable: number;
}

/** Reads a damaged database that was moved aside into the store. What a crash interrupts is done again. */
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
  const parents = new Parents(pages);
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
  const waiting = [root];
  for (let page = waiting.pop(); page !== undefined; page = waiting.pop()) {
    if (page < 1 || page > pages.count || seen[page]) continue;
    const content = contentOf(pages, page, table);
    // What does not look like a page of this table may yet be one of another.
    if (!content) continue;
    seen[page] = 1;
    waiting.push(...content.children.reverse());
    yield { table, content };
  }
}

function* readOrphans(
  pages: Pages,
  options: { parents: Parents; roots: ReadonlyMap<number, Table>; seen: Uint8Array },
): Generator<TablePage> {
  const { parents, roots, seen } = options;
  for (let page = 2; page <= pages.count; page++) {
    const table = seen[page] ? undefined : roots.get(parents.rootOf(page));
    const content = table && contentOf(pages, page, table);
    if (!content) continue;
    seen[page] = 1;
    yield { table, content };
  }
}

function contentOf(pages: Pages, page: number, { layout }: Table): PageContent | undefined {
  return readPage(pages.read(page), {
    layout,
    first: page === 1,
    next: (other) => pages.read(other),
  });
}

/** How many pages one page of the list tells the parents of. */
const LISTED = Math.floor(PAGE_BYTES / 5);
/** SQLite leaves out the page that its locks lie on. */
const LOCK_PAGE = 0x40000000 / PAGE_BYTES + 1;
/** No tree of ours is as deep. */
const MOST_LEVELS = 20;

/** The list of parents: https://www.sqlite.org/fileformat2.html#pointer_map_or_ptrmap_pages */
class Parents {
  readonly #pages: Pages;
  readonly #lists = new Map<number, Uint8Array>();

  constructor(pages: Pages) {
    this.#pages = pages;
  }

  /** The root of the tree that a page belongs to; 0 when it is free, part of a long row, or not known. */
  rootOf(page: number): number {
    for (let level = 0; level < MOST_LEVELS; level++) {
      const { type, parent } = this.#entry(page);
      if (type === ROOT) return page;
      if (type !== INNER_OR_LEAF) return 0;
      if (parent === 1) return 1;
      page = parent;
    }
    return 0;
  }

  #entry(page: number): { type: number; parent: number } {
    let list = Math.floor((page - 2) / (LISTED + 1)) * (LISTED + 1) + 2;
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
