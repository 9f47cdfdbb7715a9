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

/** How rows of one table go. */
export interface TableRules {
  /** The unique columns of an upsert, best first. */
  conflict: readonly (readonly string[])[];
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

const RECORD_RULES: TableRules = { conflict: [["id"]], merge: true };

export class Pusher {
  readonly #connection: Connection;
  readonly #rules: ReadonlyMap<string, TableRules>;
  readonly #manners = new Map<string, Manners>();

  constructor(connection: Connection, rules: ReadonlyMap<string, TableRules>) {
    this.#connection = connection;
    this.#rules = rules;
  }

  /** @throws {RemoteError} when the batch as a whole was not taken */
  async push(batch: OutboxBatch, signal: AbortSignal): Promise<PushResult> {
    const { table } = batch;
    const rules = this.#rules.get(table) ?? RECORD_RULES;
    const manners = this.#manners.get(table) ?? { conflict: 0, unwanted: new Set(rules.omit) };
    this.#manners.set(table, manners);
    const accepted: Id[] = [];
    const rejected: Rejection[] = [];
    // An upsert of several shapes at once would write NULL where a shape lacks a column.
    for (const rows of byShape(batch.rows)) {
      const ids = rows.map(({ id }) => id);
      const stranger = await this.#pushRows(rows, { table, rules, manners, signal });
      if (!stranger) accepted.push(...ids);
      else rejected.push(...ids.map((id) => ({ ...stranger, id })));
    }
    return { accepted, rejected };
  }

  /** Pushes rows of one shape; returns why the table can never take this shape of a record. */
  async #pushRows(rows: readonly Row[], part: Part): Promise<Omit<Rejection, "id"> | undefined> {
    const { table, rules, manners, signal } = part;
    for (;;) {
      const sent = rows.map((row) => without({ ...row, ...rules.stamp }, manners.unwanted));
      const candidates = usable(rules, manners);
      const onConflict = candidates[manners.conflict]?.join(",");
      const query = this.#connection.client.from(table);
      const request = onConflict === undefined
        ? query.insert(sent)
        : query.upsert(sent, { onConflict, ignoreDuplicates: !rules.merge });
      const { error, status } = await request.abortSignal(signal);
      if (!error) return undefined;
      const failure = this.#connection.failure(
        `push ${rows.length} rows of ${table} to`,
        error,
        status,
      );
      const column = columnIn(error.message);
      if (learn(failure, { column, candidates, part })) continue;
      const own = rules === RECORD_RULES && failure.code === "PGRST204" && column !== undefined &&
        !["id", "system_id", "updated_at", "deleted_at"].includes(column);
      if (!own) throw failure;
      return {
        status: failure.status,
        code: failure.code,
        message: `table ${table} has no column "${column}" in the cloud: add it there and retry`,
      };
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
