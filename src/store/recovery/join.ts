/**
 * How rows of a damaged database join those of the backup that took its place. The backup is an earlier state of
 * the same database, and its rows were checked: of a table whose rows never change its own stay.
 * @module
 */
import type { StoredRow, Value } from "./cells.ts";
import type { Database, Statement } from "../database.ts";
import { storeErrorKind } from "../store_error.ts";
import type { Column, Table } from "./tables.ts";

/** What a stream says of a table whose rows change, or can be told from nonsense. */
export interface Join {
  table: string;
  /** `earlier` (default): the backup's row stays. `later`: the damaged database's takes its place. `none`: are left. */
  wins?: "earlier" | "later" | "none";
  /** SQL: what holds of every row, so that one which a flipped bit has changed is known. */
  where?: string;
}

/** The store's own tables. */
const OWN: readonly Join[] = [
  { table: "migrations", wins: "none" },
  // Reading the cloud goes on from the backup's place: what was lost here is read again.
  { table: "sync_cursors", wins: "none" },
  { table: "sync_rejected", wins: "later" },
];

export interface Joined {
  saved: number;
  unreadable: number;
}

/** A function that writes rows into their tables; called inside `write`. */
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
        // A rule of the table's own forbids it: the row is not as it was written.
        if (storeErrorKind(error) !== "other") throw error;
        joined.unreadable++;
      }
    }
    return joined;
  };
}

/** Whether a row may have been written by us. One from before a migration has fewer columns than the table. */
function isSound({ columns }: Table, values: readonly Value[]): boolean {
  return values.length > 0 && values.length <= columns.length &&
    values.every((value, index) => isOf(columns[index]!, value));
}

function isOf({ name, type, required }: Column, value: Value): boolean {
  if (value === null) return !required;
  if (type === "INTEGER" || type === "REAL") return Number.isFinite(value);
  if (type === "BLOB") return value instanceof Uint8Array;
  // A file that was cut and grew again is zero from the cut on.
  if (typeof value !== "string" || value.endsWith("\0")) return false;
  return !INSTANTS.test(name) || (INSTANT.test(value) && !Number.isNaN(Date.parse(value)));
}

/** The columns that hold a time or a day. */
const INSTANTS = /_(at|utc)$|^(at|ts)$/;
/** Date.parse alone takes "task-30" for one, and what stands before a zero byte. */
const INSTANT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;
