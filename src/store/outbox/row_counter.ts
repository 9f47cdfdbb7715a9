/**
 * The number of rows in a partial index, kept in memory. A small table is counted at once.
 * A large one is counted in slices on a second connection that keeps seeing the moment it was opened, while
 * changes since that moment are added as they commit:
 *
 *     rows = counted of the snapshot so far + changes since the snapshot
 * @module
 */
import { logger } from "../../core/mod.ts";
import { type Database, openConnection, type OpenDatabase } from "../database.ts";
import { inSlices } from "../slices.ts";

export interface RowCounterOptions {
  table: string;
  /** The partial index that holds exactly the rows to count. */
  index: string;
  /** The condition of that index, word for word. */
  where: string;
  /** The columns of that index, which together are unique among its rows. */
  key: readonly string[];
}

/** Rows counted between two checks of the budget: about 0.3 ms of reading a covering index. */
const PAGE_ROWS = 5_000;

export class RowCounter {
  #counted = 0;
  #changes = 0;
  readonly #source: OpenDatabase;
  readonly #options: RowCounterOptions;
  /** Number of the count under way; a new one replaces it. */
  #counting = 0;
  /** Resolves once every row is counted, or the store has closed. */
  readonly complete: Promise<void>;

  constructor(source: OpenDatabase, options: RowCounterOptions) {
    this.#source = source;
    this.#options = options;
    const { table, index, where } = options;
    const first = source.db.prepare(
      `SELECT count(*) AS rows FROM (
         SELECT 1 FROM ${table} INDEXED BY ${index} WHERE ${where} LIMIT ${PAGE_ROWS})`,
    ).get();
    const rows = Number(first?.rows);
    if (rows < PAGE_ROWS) {
      this.#counted = rows;
      this.complete = Promise.resolve();
    } else {
      this.complete = this.#countSnapshot();
    }
  }

  /** Counts again, in the background. */
  recount(): void {
    this.#counted = 0;
    this.#changes = 0;
    void this.#countSnapshot();
  }

  /** The number of rows; while a large table is being counted, those found so far. */
  get rows(): number {
    return Math.max(0, this.#counted + this.#changes);
  }

  /** Adds inserted rows, or subtracts deleted ones (negative): called once that is committed. */
  add(change: number): void {
    this.#changes += change;
  }

  async #countSnapshot(): Promise<void> {
    const source = this.#source;
    const counting = ++this.#counting;
    let db: Database | undefined;
    const close = () => db?.close();
    try {
      db = openConnection(source.path, { readOnly: true });
      source.closing.addEventListener("abort", close, { once: true });
      // The first read fixes the snapshot; it comes before anything else can be written.
      db.exec("BEGIN");
      const count = pageCounter(db, this.#options);
      await inSlices((budget) => {
        while (budget.left()) {
          if (counting !== this.#counting) return false;
          const rows = count();
          this.#counted += rows;
          if (rows < PAGE_ROWS) return false;
        }
        return true;
      }, { signal: source.closing });
    } catch (error) {
      logger("store").error("Cannot count the rows of {table}: {error}", {
        table: this.#options.table,
        error,
      });
    } finally {
      source.closing.removeEventListener("abort", close);
      if (db?.isOpen) db.close();
    }
  }
}

/** A function that counts the next page, by its last key: less than a whole page is the last one. */
function pageCounter(db: Database, { table, index, where, key }: RowCounterOptions): () => number {
  const columns = key.join(", ");
  const after = `(${columns}) > (${key.map(() => "?").join(", ")})`;
  const from = (condition: string) =>
    `FROM ${table} INDEXED BY ${index} WHERE ${where} AND ${condition}`;
  const pageEnd = (condition: string) =>
    db.prepare(
      `SELECT ${columns} ${from(condition)} ORDER BY ${columns} LIMIT 1 OFFSET ${PAGE_ROWS - 1}`,
    );
  const first = pageEnd("true");
  const next = pageEnd(after);
  const rest = db.prepare(`SELECT count(*) AS rows ${from(after)}`);
  let last: (string | number)[] | undefined;
  return () => {
    const end = last ? next.get(...last) : first.get();
    // Keys are ids, sequence numbers and modes of the agent's own tables: text and whole numbers.
    if (end) last = Object.values(end) as (string | number)[];
    else return Number(rest.get(...last!)?.rows);
    return PAGE_ROWS;
  };
}
