/**
 * Rows to PostgREST. What streams record is added once: a row that is there already stays as it is. Punches and
 * records are written over, records only where the server's trigger finds them newer.
 *
 * Projects with tables of their own differ, so a table's profile is learned from its refusals, each once:
 *
 *     42P10    no unique key on these columns         → the next candidate, at last a plain INSERT
 *     42501    an upsert needs to see rows; INSERT may be allowed all the same → a plain INSERT
 *     PGRST204 a column of ours that the table can do without → without it
 *     428C9    a column that the database computes → without it
 *
 * A row counts as delivered only when the cloud has it. A key that names the system proves that by itself; for every
 * other answer that can mean "already there" the row is looked up.
 *
 * @module
 */
import type { Id, OutboxBatch, PushResult, Rejection, RemoteError, Row } from "../../core/mod.ts";
import type { Connection } from "./connection.ts";
import { columnIn, isHiddenRow, isRowPolicy, violatedKey } from "./errors.ts";
import { idOf } from "./exact_numbers.ts";
import type { LearnedTables } from "./learned_tables.ts";
import { type CloudRow, type Keys, queryGroups, records, rowOf, rowsOf } from "./query.ts";
import { recordRules, type TableRules } from "./tables.ts";

/** What was learned of a table. */
export interface TableProfile {
  /** Which of the candidates is tried; beyond the last, a plain INSERT. */
  conflict: number;
  /** Whether it has worked. */
  proven: boolean;
  /** Columns that are not sent. */
  unwanted: Set<string>;
  /** Whether rows that are there already are written over. */
  merge: boolean;
}

/** One shape of a batch's rows, on its way. */
interface Part {
  table: string;
  rules: TableRules;
  profile: TableProfile;
  signal: AbortSignal;
}

export interface PusherOptions {
  /** Of the streams' tables; all others are tables of records. */
  rules: ReadonlyMap<string, TableRules>;
  keys: Keys;
  systemId: string;
  learned: LearnedTables<TableProfile>;
}

export class Pusher {
  readonly #connection: Connection;
  readonly #options: PusherOptions;

  constructor(connection: Connection, options: PusherOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** @throws {RemoteError} when the batch as a whole was not taken */
  async push({ table, rows }: OutboxBatch, signal: AbortSignal): Promise<PushResult> {
    const { rules: known, keys, learned } = this.#options;
    const rules = known.get(table) ?? recordRules(keys[table] ?? "id");
    const profile = learned.get(table) ??
      { conflict: 0, proven: false, unwanted: new Set(rules.omit), merge: rules.merge };
    learned.set(table, profile);
    const part = { table, rules, profile, signal };
    const results: PushResult[] = [];
    // An upsert of several shapes at once would write NULL where a shape lacks a column.
    for (const shape of byShape(rows)) results.push(await this.#pushRows(shape, part));
    return {
      accepted: results.flatMap(({ accepted }) => accepted),
      rejected: results.flatMap(({ rejected }) => rejected),
      kept: results.flatMap(({ kept = [] }) => kept),
    };
  }

  /** Pushes rows of one shape, as often as something is learned from a refusal. */
  async #pushRows(rows: readonly Row[], part: Part): Promise<PushResult> {
    const { table } = part;
    for (;;) {
      const candidate = candidateOf(part);
      const { data, error, status } = await this.#send(rows, candidate, part);
      if (!error) {
        part.profile.proven = true;
        return await this.#delivered(rows, data, { candidate, part });
      }
      const failure = this.#connection.failure(
        `push ${rows.length} rows of ${table} to`,
        error,
        status,
      );
      if (learn(failure, part)) continue;
      const missing = missingColumn(failure, part);
      if (missing !== undefined) return rejectAll(rows, missing);
      if (isRowPolicy(failure)) {
        if (await this.#registered(rows, { part, failure })) continue;
        if (await this.#inserted(rows, { part, candidate })) return acceptAll(rows);
      }
      if (await this.#has(rows, { failure, part })) return acceptAll(rows);
      throw failure;
    }
  }

  /**
   * Tries a plain INSERT: a policy that lets nobody see rows refuses every upsert, with the words of a refused row.
   * Where it works, the table is not asked otherwise again.
   */
  async #inserted(
    rows: readonly Row[],
    { part, candidate }: { part: Part; candidate: Candidate },
  ): Promise<boolean> {
    const { rules, profile, table } = part;
    if (rules.key !== undefined || profile.merge || candidate.columns === undefined) return false;
    const { error, status } = await this.#send(rows, PLAIN, part);
    if (!error) {
      profile.conflict = rules.conflict.length;
      return true;
    }
    const failure = this.#connection.failure(`insert into ${table} of`, error, status);
    return await this.#has(rows, { failure, part });
  }

  #send(rows: readonly Row[], candidate: Candidate, { table, rules, profile, signal }: Part) {
    const { key, stamp } = rules;
    const sent = rows.map((row) =>
      without({ ...key ? rowOf(row, { key }) : row, ...stamp }, profile.unwanted)
    );
    const query = this.#connection.client.from(table);
    const request = candidate.columns === undefined ? query.insert(sent) : query.upsert(sent, {
      onConflict: candidate.columns.join(","),
      ignoreDuplicates: !profile.merge,
    });
    const told = key ?? (candidate.proves || profile.merge ? undefined : rules.lookUp);
    return told === undefined || candidate.columns === undefined
      ? request.abortSignal(signal)
      : request.select(told).abortSignal(signal);
  }

  /** What became of rows that were taken: a row that the cloud left as it is, is not among those that it names. */
  async #delivered(
    rows: readonly Row[],
    data: unknown,
    { candidate, part }: { candidate: Candidate; part: Part },
  ): Promise<PushResult> {
    const { rules: { key, lookUp }, profile } = part;
    const ids = rows.map(({ id }) => id);
    if (key === undefined) {
      if (candidate.proves || profile.merge || candidate.columns === undefined) {
        return { accepted: ids, rejected: [] };
      }
      const written = this.#named(data, { part, column: lookUp });
      const left = rows.filter((row) => !written.has(String(row[lookUp])));
      const there = await this.#present(left, part);
      return {
        accepted: ids.filter((id) => !left.some((row) => row.id === id) || there.has(id)),
        rejected: rejectAll(left.filter(({ id }) => !there.has(id)), TAKEN).rejected,
      };
    }
    const written = this.#named(data, { part, column: key });
    const kept = await this.#ownOf(ids.filter((id) => !written.has(id)), { part, key });
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
    { part: { rules }, failure }: { part: Part; failure: RemoteError },
  ): Promise<boolean> {
    if (isHiddenRow(failure)) return false;
    let registered = false;
    for (const system of new Set(rows.map((row) => systemOf(row, rules)))) {
      const before = this.#connection.membership(system);
      const now = await this.#connection.register(system);
      if (now === "member" && before !== "member") registered = true;
      if (now === "foreign" && this.#connection.systems.includes(system)) {
        throw this.#connection.refusedAccount(failure, system);
      }
    }
    return registered;
  }

  /** Whether a single row that met a unique key or a policy is the very row that the cloud has. */
  async #has(
    rows: readonly Row[],
    { failure, part }: { failure: RemoteError; part: Part },
  ): Promise<boolean> {
    const { rules } = part;
    if (rows.length !== 1 || rules.key !== undefined || !isAlreadyThere(failure)) return false;
    const met = violatedKey(failure);
    // A key that names the system, or an id that nobody else can guess, proves it where rows may not be seen.
    if (met?.columns.includes(rules.system)) return true;
    const byId = met?.columns.length === 0 ? met.primary : met?.columns.includes("id");
    if (rules.randomId && byId) return true;
    try {
      return (await this.#present(rows, part)).size === 1;
    } catch {
      return false;
    }
  }

  /** One column of the rows that an answer names. */
  #named(data: unknown, { part: { table }, column }: { part: Part; column: string }): Set<string> {
    const rows = rowsOf(data, [column]);
    if (!rows) throw this.#connection.misshapen(`push rows of ${table} to`);
    return new Set(rows.map((row) => idOf(row[column])));
  }

  /** The ids of the rows that the cloud has, with the same identity. */
  async #present(rows: readonly Row[], part: Part): Promise<Set<Id>> {
    const { table, rules: { lookUp, identity, stamp }, profile, signal } = part;
    const columns = identity.filter((column) => !profile.unwanted.has(column));
    const found = new Set<string>();
    for (const group of queryGroups(rows.map((row) => String(row[lookUp])))) {
      const { data, error, status } = await this.#connection.client.from(table)
        .select([...new Set([lookUp, ...columns])].join(",")).filter(lookUp, "in", group)
        .abortSignal(signal);
      if (error) throw this.#connection.failure(`read back rows of ${table} in`, error, status);
      const present = rowsOf(data, columns);
      if (!present) throw this.#connection.misshapen(`read back rows of ${table} in`);
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
    { part: { table, rules, signal }, key }: { part: Part; key: string },
  ): Promise<Row[]> {
    const own: Row[] = [];
    for (const group of queryGroups(ids)) {
      const { data, error, status } = await this.#connection.client.from(table).select("*")
        .eq("system_id", this.#options.systemId).filter(rules.key!, "in", group)
        .abortSignal(signal);
      if (error) throw this.#connection.failure(`read what was kept of ${table} in`, error, status);
      const kept = rowsOf(data, [key]);
      if (!kept) throw this.#connection.misshapen(`read what was kept of ${table} in`);
      own.push(...records(kept, { key }));
    }
    return own;
  }
}

/** The unique columns of an upsert; undefined: a plain INSERT. */
interface Candidate {
  columns: readonly string[] | undefined;
  /** Whether a row that is there by this key is of this system. */
  proves: boolean;
}

const PLAIN: Candidate = { columns: undefined, proves: false };

const TAKEN: Omit<Rejection, "id"> = {
  message: "the cloud has another row with this key, which this account cannot see or change",
};

/** The first unique key that the table has, as far as is known. */
function candidateOf({ rules, profile }: Part): Candidate {
  const columns = usable(rules, profile)[profile.conflict];
  return { columns, proves: columns?.includes(rules.system) ?? false };
}

function usable({ conflict }: TableRules, { unwanted }: TableProfile): TableRules["conflict"] {
  return conflict.filter((columns) => !columns.some((column) => unwanted.has(column)));
}

/** Whether something was learned that makes another try worth while. */
function learn(failure: RemoteError, { rules, profile }: Part): boolean {
  const candidates = usable(rules, profile);
  const column = columnIn(failure.detail ?? "");
  switch (failure.code) {
    case "42P10":
      if (profile.conflict >= candidates.length) return false;
      // A key that worked before has been replaced: the best may be there now.
      profile.conflict = profile.proven ? 0 : profile.conflict + 1;
      profile.proven = false;
      return true;
    case "42501":
      if (rules.key !== undefined) return false;
      // A table of 0.1.0 lets punches be added and not changed.
      if (profile.merge && rules.mayIgnore && (isHiddenRow(failure) || !isRowPolicy(failure))) {
        profile.merge = false;
        return true;
      }
      if (isRowPolicy(failure) || profile.merge || profile.conflict >= candidates.length) {
        return false;
      }
      profile.conflict = candidates.length;
      return true;
    case "PGRST204":
    case "42703": {
      const dispensable = [...Object.keys(rules.stamp ?? {}), ...(rules.optional ?? [])];
      return column !== undefined && dispensable.includes(column) && leaveOut(column, profile);
    }
    case "428C9":
      return column !== undefined && leaveOut(column, profile);
    default:
      return false;
  }
}

function leaveOut(column: string, { unwanted }: TableProfile): boolean {
  if (unwanted.has(column)) return false;
  unwanted.add(column);
  return true;
}

/** Why records with a field that the table has no column for are refused; undefined for other failures. */
function missingColumn(
  { code, status, detail = "" }: RemoteError,
  { table, rules: { key } }: Part,
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

/** Whose row it is. */
function systemOf(row: Row, { stamp, system }: TableRules): string {
  return String(stamp?.[system] ?? row[system]);
}

function acceptAll(rows: readonly Row[]): PushResult {
  return { accepted: rows.map(({ id }) => id), rejected: [] };
}

function rejectAll(rows: readonly Row[], reason: Omit<Rejection, "id">): PushResult {
  return { accepted: [], rejected: rows.map(({ id }) => ({ ...reason, id })) };
}

/** What tells a row from others; stamps count as moments, however they are written. */
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
