/**
 * Rows to PostgREST. Streams are upserted with duplicates ignored, records with the server's trigger deciding
 * who wrote last. What a project's own tables make of that differs, so a table's manners are learned from its
 * refusals, each once:
 *
 *     42P10    no unique key on these columns         → the next candidate, at last a plain INSERT
 *     42501    an upsert needs to see rows; INSERT may be allowed all the same → a plain INSERT
 *     PGRST204 the table does not have our `system_id` → without it
 *
 * @module
 */
import type { OutboxBatch, PushResult, RemoteError, Row } from "../../core/mod.ts";
import type { Connection } from "./connection.ts";

/** How rows of one table go. */
export interface TableRules {
  /** The unique columns of an upsert, best first. */
  conflict: readonly string[];
  /** Whether a row that is there already is changed (records) or left as it is (streams). */
  merge: boolean;
  /** Columns that every row gets, unless the table has none such. */
  stamp?: Readonly<Record<string, string>>;
  /** What a row has for this machine's use only. */
  omit?: readonly string[];
}

/** What was learned of a table. */
interface Manners {
  /** Which of the candidates works; beyond the last, a plain INSERT. */
  conflict: number;
  stamped: boolean;
}

const RECORD_RULES: TableRules = { conflict: ["id"], merge: true };

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
    const manners = this.#manners.get(table) ?? { conflict: 0, stamped: true };
    this.#manners.set(table, manners);
    // An upsert of several shapes at once would write NULL where a shape lacks a column.
    for (const rows of byShape(batch.rows.map((row) => asSent(row, rules)))) {
      await this.#pushRows(rows, { table, rules, manners, signal });
    }
    return { accepted: batch.rows.map(({ id }) => id), rejected: [] };
  }

  async #pushRows(
    rows: readonly Record<string, unknown>[],
    options: { table: string; rules: TableRules; manners: Manners; signal: AbortSignal },
  ): Promise<void> {
    const { table, rules, manners, signal } = options;
    for (;;) {
      const stamped = manners.stamped ? rows.map((row) => ({ ...row, ...rules.stamp })) : rows;
      const onConflict = rules.conflict[manners.conflict];
      const query = this.#connection.client.from(table);
      const request = onConflict === undefined
        ? query.insert([...stamped])
        : query.upsert([...stamped], { onConflict, ignoreDuplicates: !rules.merge });
      const { error, status } = await request.abortSignal(signal);
      if (!error) return;
      const failure = this.#connection.failure(
        `push ${rows.length} rows of ${table} to`,
        error,
        status,
      );
      if (!learn(manners, { rules, failure, message: error.message })) throw failure;
    }
  }
}

/** Whether something was learned that makes another try worth while. */
function learn(
  manners: Manners,
  { rules, failure, message }: { rules: TableRules; failure: RemoteError; message: string },
): boolean {
  switch (failure.code) {
    case "42P10":
      if (manners.conflict >= rules.conflict.length) return false;
      manners.conflict++;
      return true;
    case "42501":
      if (rules.merge || manners.conflict >= rules.conflict.length) return false;
      manners.conflict = rules.conflict.length;
      return true;
    case "PGRST204":
    case "42703":
      if (!manners.stamped || !rules.stamp) return false;
      if (!Object.keys(rules.stamp).some((column) => message.includes(column))) return false;
      manners.stamped = false;
      return true;
    default:
      return false;
  }
}

function asSent(row: Row, { omit = [] }: TableRules): Record<string, unknown> {
  if (omit.length === 0) return row;
  return Object.fromEntries(Object.entries(row).filter(([name]) => !omit.includes(name)));
}

/** Rows with the same columns together, each group in its order. */
function byShape(rows: readonly Record<string, unknown>[]): Record<string, unknown>[][] {
  const groups = new Map<string, Record<string, unknown>[]>();
  for (const row of rows) {
    const shape = Object.keys(row).sort().join("\n");
    const group = groups.get(shape);
    if (group) group.push(row);
    else groups.set(shape, [row]);
  }
  return [...groups.values()];
}
