/**
 * Rows to PostgREST. Streams are upserted with duplicates ignored, records with the server's trigger deciding
 * who wrote last. What a project's own tables make of that differs, so a table's manners are learned from its
 * refusals, each once:
 *
 *     42P10    no unique key on these columns         → the next candidate, at last a plain INSERT
 *     42501    an upsert needs to see rows; INSERT may be allowed all the same → a plain INSERT
 *     PGRST204 a column of ours that the table can do without → without it
 *     428C9    a column that the database computes → without it
 *
 * @module
 */
import type { Id, OutboxBatch, PushResult, Rejection, RemoteError, Row } from "../../core/mod.ts";
import type { Connection } from "./connection.ts";
import { type Keys, quoted, records, rowOf } from "./query.ts";

/** How rows of one table go. */
export interface TableRules {
  /** The unique columns of an upsert, best first. */
  conflict: readonly (readonly string[])[];
  /** Of records: the column that they are known by. */
  key?: string;
  /** Whether a row that is there already is changed (records) or left as it is (streams). */
  merge: boolean;
  /** Columns that every row gets, unless the table has none such. */
  stamp?: Readonly<Record<string, string>>;
  /** What a table may do without, besides the stamp. */
  optional?: readonly string[];
  /** What a row has for this machine's use only. */
  omit?: readonly string[];
}

/** What was learned of a table. */
interface Manners {
  /** Which of the candidates works; beyond the last, a plain INSERT. */
  conflict: number;
  /** Columns that are not sent. */
  unwanted: Set<string>;
}

/** One shape of a batch's rows, on its way. */
interface Part {
  table: string;
  rules: TableRules;
  manners: Manners;
  signal: AbortSignal;
}

/** What became of rows of one shape. */
type Answer =
  /** The ids of the records that were written; of other rows nothing is told. */
  | { written: ReadonlySet<string> }
  /** Why the table can never take this shape of a record. */
  | { stranger: Omit<Rejection, "id"> };

/** As long as a query may be, with room for the rest of the address. */
const QUERY_CHARS = 4_000;

function recordRules(key: string): TableRules {
  return { conflict: [[key]], merge: true, key };
}

export class Pusher {
  readonly #connection: Connection;
  readonly #rules: ReadonlyMap<string, TableRules>;
  readonly #keys: Keys;
  readonly #manners = new Map<string, Manners>();

  /** @param options `rules` of the streams' tables; all others are tables of records */
  constructor(
    connection: Connection,
    { rules, keys }: { rules: ReadonlyMap<string, TableRules>; keys: Keys },
  ) {
    this.#connection = connection;
    this.#rules = rules;
    this.#keys = keys;
  }

  /** @throws {RemoteError} when the batch as a whole was not taken */
  async push(batch: OutboxBatch, signal: AbortSignal): Promise<PushResult> {
    const { table } = batch;
    const rules = this.#rules.get(table) ?? recordRules(this.#keys[table] ?? "id");
    const manners = this.#manners.get(table) ?? { conflict: 0, unwanted: new Set(rules.omit) };
    this.#manners.set(table, manners);
    const accepted: Id[] = [];
    const rejected: Rejection[] = [];
    const kept: Row[] = [];
    // An upsert of several shapes at once would write NULL where a shape lacks a column.
    for (const rows of byShape(batch.rows)) {
      const ids = rows.map(({ id }) => id);
      const answer = await this.#pushRows(rows, { table, rules, manners, signal });
      if ("stranger" in answer) rejected.push(...ids.map((id) => ({ ...answer.stranger, id })));
      else if (rules.key === undefined) accepted.push(...ids);
      else {
        const missing = ids.filter((id) => !answer.written.has(id));
        const own = await this.#ownOf(missing, { table, key: rules.key, signal });
        kept.push(...own);
        const keptIds = new Set(own.map(({ id }) => id));
        accepted.push(...ids.filter((id) => !keptIds.has(id)));
      }
    }
    return { accepted, rejected, kept };
  }

  /** The cloud's own versions of records that it did not write: its trigger found them newer, or the same. */
  async #ownOf(
    ids: readonly Id[],
    { table, key, signal }: { table: string; key: string; signal: AbortSignal },
  ): Promise<Row[]> {
    const own: Row[] = [];
    for (const some of byLength(ids.map(quoted))) {
      const { data, error, status } = await this.#connection.client.from(table).select("*")
        .filter(key, "in", `(${some.join(",")})`).abortSignal(signal);
      if (error) throw this.#connection.failure(`read what was kept of ${table} in`, error, status);
      own.push(...records(data, { key }));
    }
    return own;
  }

  /** Pushes rows of one shape. */
  async #pushRows(rows: readonly Row[], part: Part): Promise<Answer> {
    const { table, rules, manners, signal } = part;
    const { key } = rules;
    for (;;) {
      const sent = rows.map((row) =>
        without({ ...key ? rowOf(row, { key }) : row, ...rules.stamp }, manners.unwanted)
      );
      const candidates = usable(rules, manners);
      const onConflict = candidates[manners.conflict]?.join(",");
      const query = this.#connection.client.from(table);
      const request = onConflict === undefined
        ? query.insert(sent)
        : query.upsert(sent, { onConflict, ignoreDuplicates: !rules.merge });
      // A row that the trigger leaves as it is is not among those it tells of.
      const { data, error, status } = key
        ? await request.select(key).abortSignal(signal)
        : await request.abortSignal(signal);
      if (!error) {
        // Which columns there are, supabase-js reads from a literal only.
        const written = key ? (data ?? []) as unknown as Record<string, unknown>[] : [];
        return { written: new Set(written.map((row) => String(row[key!]))) };
      }
      const failure = this.#connection.failure(
        `push ${rows.length} rows of ${table} to`,
        error,
        status,
      );
      const column = columnIn(error.message);
      if (learn(failure, { column, candidates, part })) continue;
      const own = key !== undefined && failure.code === "PGRST204" && column !== undefined &&
        ![key, "system_id", "updated_at", "deleted_at"].includes(column);
      if (!own) throw failure;
      const message =
        `table ${table} has no column "${column}" in the cloud: add it there and retry`;
      return { stranger: { status: failure.status, code: failure.code, message } };
    }
  }
}

/** The unique keys whose columns the table has. */
function usable({ conflict }: TableRules, { unwanted }: Manners): TableRules["conflict"] {
  return conflict.filter((columns) => !columns.some((column) => unwanted.has(column)));
}

/** Whether something was learned that makes another try worth while. */
function learn(
  { code }: RemoteError,
  { column, candidates, part: { rules, manners } }: {
    column: string | undefined;
    candidates: TableRules["conflict"];
    part: Part;
  },
): boolean {
  switch (code) {
    case "42P10":
      if (manners.conflict >= candidates.length) return false;
      manners.conflict++;
      return true;
    case "42501":
      if (rules.merge || manners.conflict >= candidates.length) return false;
      manners.conflict = candidates.length;
      return true;
    case "PGRST204":
    case "42703": {
      const dispensable = [...Object.keys(rules.stamp ?? {}), ...(rules.optional ?? [])];
      return column !== undefined && dispensable.includes(column) && leaveOut(column, manners);
    }
    case "428C9":
      return column !== undefined && leaveOut(column, manners);
    default:
      return false;
  }
}

function leaveOut(column: string, { unwanted }: Manners): boolean {
  if (unwanted.has(column)) return false;
  unwanted.add(column);
  return true;
}

/** The column that a message is about: `Could not find the 'a' column of 'b'`, `column "a" does not exist`. */
function columnIn(message: string): string | undefined {
  const [, quoted, doubly] = /'([^']+)' column|column "([^"]+)"/.exec(message) ?? [];
  return quoted ?? doubly;
}

function without(
  row: Readonly<Record<string, unknown>>,
  names: ReadonlySet<string>,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !names.has(name)));
}

/** Texts in groups that fit into a query each. */
function byLength(texts: readonly string[]): string[][] {
  const groups: string[][] = [];
  let chars = Infinity;
  for (const text of texts) {
    const length = encodeURIComponent(text).length + 3;
    chars += length;
    if (chars <= QUERY_CHARS) groups.at(-1)!.push(text);
    else {
      groups.push([text]);
      chars = length;
    }
  }
  return groups;
}

/** Rows with the same columns together, each group in its order. */
function byShape(rows: readonly Row[]): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const shape = Object.keys(row).sort().join("\n");
    const group = groups.get(shape);
    if (group) group.push(row);
    else groups.set(shape, [row]);
  }
  return [...groups.values()];
}
