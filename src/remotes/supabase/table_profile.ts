/**
 * What is known of a table that rows are pushed to. Projects with tables of their own differ, so a table's profile is
 * learned from its refusals, each once:
 *
 *     42P10    no unique key on these columns         → the next candidate, at last a plain INSERT
 *     42501    an upsert needs to see rows; INSERT may be allowed all the same → a plain INSERT
 *     PGRST204 a column of ours that the table can do without → without it
 *     428C9    a column that the database computes → without it
 *
 * @module
 */
import type { RemoteError } from "../../core/mod.ts";
import { columnIn, isHiddenRow, isRowPolicy } from "./errors.ts";
import type { TableRules } from "./tables.ts";

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

/** A table's rules, and what was learned of it. */
interface KnownTable {
  rules: TableRules;
  profile: TableProfile;
}

/** The unique columns of an upsert; undefined: a plain INSERT. */
export interface ConflictTarget {
  columns: readonly string[] | undefined;
  /** Whether a row that is there by this key is of this system. */
  proves: boolean;
}

export const PLAIN: ConflictTarget = { columns: undefined, proves: false };

/** The first unique key that the table may have. */
export function candidateOf({ rules, profile }: KnownTable): ConflictTarget {
  const columns = usable(rules, profile)[profile.conflict];
  return { columns, proves: columns?.includes(rules.system) ?? false };
}

function usable({ conflict }: TableRules, { unwanted }: TableProfile): TableRules["conflict"] {
  return conflict.filter((columns) => !columns.some((column) => unwanted.has(column)));
}

/** Whether the failure taught something that may make a retry succeed. */
export function learnFrom(failure: RemoteError, { rules, profile }: KnownTable): boolean {
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
      const { stamp = {}, optional = [], later = [] } = rules;
      const dispensable = [...Object.keys(stamp), ...optional, ...later];
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
