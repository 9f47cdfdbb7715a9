/**
 * A database as SQL text and back: what `.dump` of SQLite's shell writes, in an order that does not change, so that
 * a fixture can be read and compared.
 * @module
 */
import { DatabaseSync } from "node:sqlite";

/** Everything in the database at `path`, as statements that make it anew. */
export function dump(path: string): string {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const schema = db.prepare(
      "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid",
    ).all().map(({ type, name, sql }) => ({
      type: String(type),
      name: String(name),
      sql: String(sql),
    }));
    const tables = schema.filter(({ type, name }) =>
      type === "table" && !name.startsWith("sqlite_")
    );
    return [
      "PRAGMA auto_vacuum=INCREMENTAL;",
      "BEGIN;",
      ...tables.map(({ sql }) => `${sql};`),
      ...tables.flatMap(({ name }) => inserts(db, name)),
      // How far AUTOINCREMENT is: the rows have filled it with what is left of them.
      "DELETE FROM sqlite_sequence;",
      ...inserts(db, "sqlite_sequence"),
      // After the rows, as restoring is faster that way and rows do not need them.
      ...schema.filter(({ type }) => type !== "table").map(({ sql }) => `${sql};`),
      "COMMIT;",
      "",
    ].join("\n");
  } finally {
    db.close();
  }
}

/** Makes the database that was dumped. */
export function restore(sql: string, path: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.exec("PRAGMA journal_mode=WAL");
  db.close();
}

function inserts(db: DatabaseSync, table: string): string[] {
  const columns = db.prepare(`PRAGMA table_info("${table}")`).all().map(({ name }) => `"${name}"`);
  const values = columns.map((column) => `quote(${column})`).join(" || ',' || ");
  return db.prepare(`SELECT ${values} AS row FROM "${table}" ORDER BY 1`).all().map(({ row }) =>
    `INSERT INTO "${table}" (${columns}) VALUES (${row});`
  );
}
