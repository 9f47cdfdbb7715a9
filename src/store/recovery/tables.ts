/** The tables of a database as they are stored in its file. @module */
import type { Layout } from "./cells.ts";
import type { Database } from "../database.ts";

export interface Column {
  name: string;
  /** The declared type. */
  type: string;
  required: boolean;
}

export interface Table {
  name: string;
  root: number;
  layout: Layout;
  /** In the order in which a record has them. */
  columns: readonly Column[];
  /** The column that is the rowid, and so not in the record. */
  rowid: number | undefined;
}

/** The schema table, whose root is the first page. */
export const SCHEMA: Table = {
  name: "sqlite_schema",
  root: 1,
  layout: "rowid",
  columns: [],
  rowid: undefined,
};

/** The tables that migrations created. */
export function tablesOf(db: Database): Table[] {
  const tables = db.prepare(
    `SELECT list.name, list.wr, master.rootpage FROM pragma_table_list AS list
     JOIN sqlite_master AS master ON master.name = list.name
     WHERE list.schema = 'main' AND list.type = 'table' AND list.name NOT LIKE 'sqlite_%'`,
  ).all();
  return tables.map(({ name, wr, rootpage }) => {
    const layout = wr === 1 ? "key" : "rowid";
    const infos = db.prepare("SELECT * FROM pragma_table_info(?)").all(String(name))
      .map(({ name, type, notnull, pk }) => ({
        name: String(name),
        type: String(type).toUpperCase(),
        required: notnull === 1,
        key: Number(pk),
      }));
    const keys = infos.filter(({ key }) => key > 0).sort((a, b) => a.key - b.key);
    const rowid = layout === "rowid" && keys.length === 1 && keys[0]!.type === "INTEGER"
      ? infos.indexOf(keys[0]!)
      : undefined;
    // WITHOUT ROWID: the columns of the key come first.
    const columns = layout === "rowid" ? infos : [...keys, ...infos.filter(({ key }) => key === 0)];
    return { name: String(name), root: Number(rootpage), layout, columns, rowid };
  });
}
