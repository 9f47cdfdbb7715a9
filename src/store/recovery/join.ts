/**
 * How rows of a damaged database join those of the restored backup. The backup is an earlier state of the same database,
 * and its rows were checked: in a table whose rows never change, they stay.
 * @module
 */
import type { StoredRow, Value } from "./cells.ts";
import type { Database, Statement } from "../database.ts";
import { storeErrorKind } from "../store_error.ts";
import type { Column, Table } from "./tables.ts";

/** A rule for a table whose rows change, or whose rows can be validated. */
export interface Join {
  table: string;
  /** `earlier` (default): the backup's row stays. `later`: the salvaged row replaces it. `none`: no row is salvaged. */
  wins?: "earlier" | "later" | "none";
  /** SQL condition of every valid row, which detects flipped bits. */
  where?: string;
}

/** The store's own tables. */
const OWN: readonly Join[] = [
  { table: "migrations", wins: "none" },
  // Pulling continues at the backup's cursor: what was lost here is read again.
  { table: "sync_cursors", wins: "none" },
  { table: "sync_rejected", wins: "later" },
];

export interface Joined {
  saved: number;
  unreadable: number;
}

/** Returns a function that writes rows into their tables, to be called inside `write`. */
export function joinRows(
  db: Database,
  joins: readonly Join[],
): (table: Table, rows: readonly StoredRow[]) => Joined {
  const rules = new Map([...OWN, ...joins].map((join) => [join.table, join]));
  const statements = new Map<string, Statement>();
  const statement = (table: Table, columns: number, conflict: "IGNORE" | "REPLACE") => {
    const key = `${conflict} ${columns} ${table.name}`;
    const known = statements.get(key);
    if (known) return known;
    const names = table.columns.slice(0, columns).map(({ name }) => name);
    const made = db.prepare(
      `INSERT OR ${conflict} INTO ${table.name} (${names.join(", ")})
       SELECT * FROM (SELECT ${names.map((name) => `? AS ${name}`).join(", ")})
       WHERE ${rules.get(table.name)?.where ?? "true"}`,
    );
    statements.set(key, made);
    return made;
  };

  return (table, rows) => {
    const { wins = "earlier" } = rules.get(table.name) ?? {};
    const joined = { saved: 0, unreadable: 0 };
    if (wins === "none") return joined;
    for (const { rowid, values } of rows) {
      if (table.rowid !== undefined) values[table.rowid] = rowid ?? null;
      if (!isSound(table, values)) {
        joined.unreadable++;
        continue;
      }
      try {
        const added = statement(table, values.length, "IGNORE").run(...values).changes;
        joined.saved += Number(added);
        if (added === 0 && wins === "later") {
          statement(table, values.length, "REPLACE").run(...values);
        }
      } catch (error) {
        // A constraint of the table rejects it: the row is damaged.
        if (storeErrorKind(error) !== "other") throw error;
        joined.unreadable++;
      }
    }
    return joined;
  };
}

/** Whether a row is valid. One from before a migration has fewer columns than the table. */
function isSound({ columns }: Table, values: readonly Value[]): boolean {
  return values.length > 0 && values.length <= columns.length &&
    values.every((value, index) => isOf(columns[index]!, value));
}

function isOf({ name, type, required }: Column, value: Value): boolean {
  if (value === null) return !required;
  if (type === "INTEGER" || type === "REAL") return Number.isFinite(value);
  if (type === "BLOB") return value instanceof Uint8Array;
  // A file that was cut and grew again has zeros from there on.
  if (typeof value !== "string" || value.endsWith("\0")) return false;
  return !INSTANTS.test(name) || (INSTANT.test(value) && !Number.isNaN(Date.parse(value)));
}

/** The columns that hold a time or a day. */
const INSTANTS = /_(at|utc)$|^(at|ts)$/;
/** Date.parse alone accepts "task-30", and text before a zero byte. */
const INSTANT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;
