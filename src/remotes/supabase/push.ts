/**
 * Writes rows through PostgREST. What streams record is added once: a row that is there already stays as it is. Punches
 * and records are overwritten, records only where the server's trigger finds them newer.
 *
 * A row counts as delivered only when the cloud has it. A key that names the system proves that by itself; for every
 * other answer that can mean "already there" the row is looked up.
 * @module
 */
import type { Id, OutboxBatch, PushResult, Rejection, RemoteError, Row } from "../../core/mod.ts";
import type { Account } from "./account.ts";
import { columnIn, isHiddenRow, isRowPolicy, violatedKey } from "./errors.ts";
import { idOf } from "./exact_numbers.ts";
import type { LearnedTables } from "./learned_tables.ts";
import { type CloudRow, type Keys, queryGroups, recordsOf, rowOf, rowsOf } from "./query.ts";
import type { Project } from "./project.ts";
import {
  candidateOf,
  type ConflictTarget,
  learnFrom,
  PLAIN,
  type TableProfile,
} from "./table_profile.ts";
import { recordRules, type TableRules } from "./tables.ts";

/** The table of a push, and its deadline. */
interface Target {
  table: string;
  rules: TableRules;
  profile: TableProfile;
  signal: AbortSignal;
}

export interface TableWriterOptions {
  project: Project;
  account: Account;
  /** Of the streams' tables; all others are tables of records. */
  rules: ReadonlyMap<string, TableRules>;
  keys: Keys;
  systemId: string;
  learned: LearnedTables<TableProfile>;
  /** Called with the columns that the table lacks because its schema is an earlier one, after each push. */
  onLacking: (table: string, columns: readonly string[]) => void;
}

export class TableWriter {
  readonly #project: Project;
  readonly #options: TableWriterOptions;

  constructor(options: TableWriterOptions) {
    this.#project = options.project;
    this.#options = options;
  }

  /** @throws {RemoteError} when the batch as a whole was not taken */
  async push({ table, rows }: OutboxBatch, signal: AbortSignal): Promise<PushResult> {
    const { rules: known, keys, learned } = this.#options;
    const rules = known.get(table) ?? recordRules(keys[table] ?? "id");
    const profile = learned.get(table) ??
      { conflict: 0, proven: false, unwanted: new Set(rules.omit), merge: rules.merge };
    learned.set(table, profile);
    const target = { table, rules, profile, signal };
    const results: PushResult[] = [];
    // An upsert of several shapes at once would write NULL where a shape lacks a column.
    for (const shape of byShape(rows)) {
      let result: PushResult | undefined;
      while (!result) {
        const candidate = candidateOf(target);
        const { data, error, status } = await this.#send(shape, candidate, target);
        if (error) {
          const task = `push ${shape.length} rows of ${table} to`;
          const failure = this.#project.failure(task, error, status);
          result = await this.#recover(shape, { failure, candidate, target });
        } else {
          profile.proven = true;
          result = await this.#delivered(shape, data, { candidate, target });
        }
      }
      results.push(result);
    }
    if (rules.later) {
      this.#options.onLacking(table, rules.later.filter((name) => profile.unwanted.has(name)));
    }
    return {
      accepted: results.flatMap(({ accepted }) => accepted),
      rejected: results.flatMap(({ rejected }) => rejected),
      kept: results.flatMap(({ kept = [] }) => kept),
    };
  }

  /**
   * What a refusal means for the rows; undefined when something was learned from it, so that they are sent again.
   * @throws {RemoteError} the failure, when it settles nothing
   */
  async #recover(
    rows: readonly Row[],
    { failure, candidate, target }: {
      failure: RemoteError;
      candidate: ConflictTarget;
      target: Target;
    },
  ): Promise<PushResult | undefined> {
    if (learnFrom(failure, target)) return undefined;
    const missing = missingColumn(failure, target);
    if (missing !== undefined) return rejectAll(rows, missing);
    if (isRowPolicy(failure)) {
      if (await this.#registered(rows, { target, failure })) return undefined;
      if (await this.#inserted(rows, { target, candidate })) return acceptAll(rows);
    }
    if (await this.#has(rows, { failure, target })) return acceptAll(rows);
    throw failure;
  }

  /**
   * Tries a plain INSERT: a policy that hides all rows refuses every upsert, with the message of a refused row.
   * Where it works, the table gets plain INSERTs from then on.
   */
  async #inserted(
    rows: readonly Row[],
    { target, candidate }: { target: Target; candidate: ConflictTarget },
  ): Promise<boolean> {
    const { rules, profile, table } = target;
    if (rules.key !== undefined || profile.merge || candidate.columns === undefined) return false;
    const { error, status } = await this.#send(rows, PLAIN, target);
    if (!error) {
      profile.conflict = rules.conflict.length;
      return true;
    }
    const failure = this.#project.failure(`insert into ${table} of`, error, status);
    return await this.#has(rows, { failure, target });
  }

  #send(
    rows: readonly Row[],
    candidate: ConflictTarget,
    { table, rules, profile, signal }: Target,
  ) {
    const { key, stamp } = rules;
    const sent = rows.map((row) =>
      without({ ...key ? rowOf(row, { key }) : row, ...stamp }, profile.unwanted)
    );
    const query = this.#project.client.from(table);
    const request = candidate.columns === undefined ? query.insert(sent) : query.upsert(sent, {
      onConflict: candidate.columns.join(","),
      ignoreDuplicates: !profile.merge,
    });
    const returned = key ?? (candidate.proves || profile.merge ? undefined : rules.lookUp);
    return returned === undefined || candidate.columns === undefined
      ? request.abortSignal(signal)
      : request.select(returned).abortSignal(signal);
  }

  /** The result for rows that were taken. A row that the cloud left as it is, is not among those that it returns. */
  async #delivered(
    rows: readonly Row[],
    data: unknown,
    { candidate, target }: { candidate: ConflictTarget; target: Target },
  ): Promise<PushResult> {
    const { rules: { key, lookUp }, profile } = target;
    const ids = rows.map(({ id }) => id);
    if (key === undefined) {
      if (candidate.proves || profile.merge || candidate.columns === undefined) {
        return { accepted: ids, rejected: [] };
      }
      const written = this.#named(data, { target, column: lookUp });
      const left = rows.filter((row) => !written.has(String(row[lookUp])));
      const there = await this.#present(left, target);
      return {
        accepted: ids.filter((id) => !left.some((row) => row.id === id) || there.has(id)),
        rejected: rejectAll(left.filter(({ id }) => !there.has(id)), TAKEN).rejected,
      };
    }
    const written = this.#named(data, { target, column: key });
    const kept = await this.#ownOf(ids.filter((id) => !written.has(id)), { target, key });
    const keptIds = new Set(kept.map(({ id }) => id));
    const lost = rows.filter(({ id }) => !written.has(id) && !keptIds.has(id));
    return {
      accepted: ids.filter((id) => written.has(id)),
      rejected: rejectAll(lost, TAKEN).rejected,
      kept,
    };
  }

  /**
   * Whether rows that a policy refused may pass now, because their system was registered just now.
   * @throws {RemoteError} when this machine's own system belongs to another account: then no row is to blame
   */
  async #registered(
    rows: readonly Row[],
    { target: { rules }, failure }: { target: Target; failure: RemoteError },
  ): Promise<boolean> {
    if (isHiddenRow(failure)) return false;
    const { account } = this.#options;
    let registered = false;
    for (const system of new Set(rows.map((row) => systemOf(row, rules)))) {
      const before = account.membership(system);
      const now = await account.register(system);
      if (now === "member" && before !== "member") registered = true;
      if (now === "foreign" && account.systems.includes(system)) {
        throw account.refusedAccount(failure, system);
      }
    }
    return registered;
  }

  /** Whether a single row that met a unique key or a policy is the very row that the cloud has. */
  async #has(
    rows: readonly Row[],
    { failure, target }: { failure: RemoteError; target: Target },
  ): Promise<boolean> {
    const { rules } = target;
    if (rows.length !== 1 || rules.key !== undefined || !isAlreadyThere(failure)) return false;
    const met = violatedKey(failure);
    // A key that names the system, or a random id, proves it where rows may not be seen.
    if (met?.columns.includes(rules.system)) return true;
    const byId = met?.columns.length === 0 ? met.primary : met?.columns.includes("id");
    if (rules.randomId && byId) return true;
    try {
      return (await this.#present(rows, target)).size === 1;
    } catch {
      return false;
    }
  }

  /** One column of the rows that an answer names. */
  #named(
    data: unknown,
    { target: { table }, column }: { target: Target; column: string },
  ): Set<string> {
    const rows = rowsOf(data, [column]);
    if (!rows) throw this.#project.misshapen(`push rows of ${table} to`);
    return new Set(rows.map((row) => idOf(row[column])));
  }

  /** The ids of the rows that the cloud has, with the same identity. */
  async #present(rows: readonly Row[], target: Target): Promise<Set<Id>> {
    const { table, rules: { lookUp, identity, stamp }, profile, signal } = target;
    const columns = identity.filter((column) => !profile.unwanted.has(column));
    const found = new Set<string>();
    for (const group of queryGroups(rows.map((row) => String(row[lookUp])))) {
      const { data, error, status } = await this.#project.client.from(table)
        .select([...new Set([lookUp, ...columns])].join(",")).filter(lookUp, "in", group)
        .abortSignal(signal);
      if (error) throw this.#project.failure(`read back rows of ${table} in`, error, status);
      const present = rowsOf(data, columns);
      if (!present) throw this.#project.misshapen(`read back rows of ${table} in`);
      for (const row of present) found.add(identityOf(row, columns));
    }
    return new Set(
      rows.filter((row) => found.has(identityOf({ ...row, ...stamp }, columns)))
        .map(({ id }) => id),
    );
  }

  /** The cloud's own versions of records that it did not write: its trigger found them newer, or the same. */
  async #ownOf(
    ids: readonly Id[],
    { target: { table, rules, signal }, key }: { target: Target; key: string },
  ): Promise<Row[]> {
    const own: Row[] = [];
    for (const group of queryGroups(ids)) {
      const { data, error, status } = await this.#project.client.from(table).select("*")
        .eq("system_id", this.#options.systemId).filter(rules.key!, "in", group)
        .abortSignal(signal);
      if (error) throw this.#project.failure(`read what was kept of ${table} in`, error, status);
      const kept = rowsOf(data, [key]);
      if (!kept) throw this.#project.misshapen(`read what was kept of ${table} in`);
      own.push(...recordsOf(kept, { key }));
    }
    return own;
  }
}

const TAKEN: Omit<Rejection, "id"> = {
  message: "the cloud has another row with this key, which this account cannot see or change",
};

/** Why records with a field that the table has no column for are refused; undefined for other failures. */
function missingColumn(
  { code, status, detail = "" }: RemoteError,
  { table, rules: { key } }: Target,
): Omit<Rejection, "id"> | undefined {
  const column = columnIn(detail);
  if (key === undefined || code !== "PGRST204" || column === undefined) return undefined;
  if ([key, "system_id", "updated_at", "deleted_at"].includes(column)) return undefined;
  return {
    status,
    code,
    message: `table ${table} has no column "${column}" in the cloud: add it there and retry`,
  };
}

/** Whether the answer can mean that the row is there: a unique key was met, or a policy hides who has it. */
function isAlreadyThere(failure: RemoteError): boolean {
  return failure.code === "23505" || isHiddenRow(failure);
}

/** The system that the row belongs to. */
function systemOf(row: Row, { stamp, system }: TableRules): string {
  return String(stamp?.[system] ?? row[system]);
}

function acceptAll(rows: readonly Row[]): PushResult {
  return { accepted: rows.map(({ id }) => id), rejected: [] };
}

function rejectAll(rows: readonly Row[], reason: Omit<Rejection, "id">): PushResult {
  return { accepted: [], rejected: rows.map(({ id }) => ({ ...reason, id })) };
}

/** What distinguishes a row from others; time stamps are compared as moments, however they are written. */
function identityOf(row: CloudRow, columns: readonly string[]): string {
  return JSON.stringify(columns.map((column) => {
    const text = String(row[column]);
    const moment = column.endsWith("_at") || column.startsWith("timestamp")
      ? Date.parse(text)
      : NaN;
    return Number.isNaN(moment) ? text : moment;
  }));
}

function without(row: CloudRow, names: ReadonlySet<string>): Record<string, unknown> {
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
