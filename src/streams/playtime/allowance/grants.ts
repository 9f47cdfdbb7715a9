/** The table of grants. Rows are added and never change, so that rows of two machines join by id. @module */
import type { Grant } from "../../../contract/allowance.ts";
import type { Day, Id } from "../../../core/mod.ts";
import type { RawRow, Statement, Store } from "../../../store/mod.ts";

/** The columns sent to the cloud besides the id. */
export const GRANT_COLUMNS = [
  "device_id",
  "date",
  "extra_min",
  "reason",
  "made_by",
  "undoes",
  "created_at",
  "updated_at",
] as const;

export class Grants {
  readonly #insert: Statement;
  readonly #get: Statement;
  readonly #on: Statement;
  readonly #undoing: Statement;
  readonly #sum: Statement;
  readonly #count: Statement;
  readonly #rename: Statement;

  constructor({ db }: Store) {
    this.#insert = db.prepare(
      `INSERT INTO allowance_grants (id, device_id, date, extra_min, reason, made_by, undoes,
         created_at, updated_at, synced_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
    const columns = ["id", ...GRANT_COLUMNS, "synced_at"].join(", ");
    this.#get = db.prepare(`SELECT ${columns} FROM allowance_grants WHERE id = ?`);
    this.#undoing = db.prepare(`SELECT ${columns} FROM allowance_grants WHERE undoes = ?`);
    this.#on = db.prepare(
      `SELECT ${columns} FROM allowance_grants WHERE device_id = ? AND date = ?
       ORDER BY created_at, id`,
    );
    this.#sum = db.prepare(
      `SELECT coalesce(sum(CAST(round(extra_min * 60000) AS INTEGER)), 0) AS ms
       FROM allowance_grants WHERE device_id = ? AND date BETWEEN ? AND ?`,
    );
    this.#count = db.prepare(
      "SELECT count(*) AS rows FROM allowance_grants WHERE device_id = ? AND date = ?",
    );
    this.#rename = db.prepare("UPDATE allowance_grants SET device_id = ? WHERE device_id = ?");
  }

  /** Adds a grant, unless one has its id or undoes the same grant; returns whether it is new. Called inside `write`. */
  add(grant: Grant): boolean {
    const { id, device_id, date, extra_min, reason, made_by, undoes } = grant;
    const { changes } = this.#insert.run(
      id,
      device_id,
      date,
      extra_min,
      reason,
      made_by,
      undoes,
      grant.created_at,
      grant.updated_at,
      grant.synced_at,
    );
    return changes === 1;
  }

  get(id: Id): Grant | undefined {
    const raw = this.#get.get(id);
    return raw && grantRow(raw);
  }

  /** The grant that undoes another. */
  undoing(id: Id): Grant | undefined {
    const raw = this.#undoing.get(id);
    return raw && grantRow(raw);
  }

  /** The grants of a day, oldest first. */
  on(deviceId: Id, date: Day): Grant[] {
    return this.#on.all(deviceId, date).map(grantRow);
  }

  count(deviceId: Id, date: Day): number {
    return Number(this.#count.get(deviceId, date)?.rows);
  }

  /** The sum of the grants from one day to another, both included, in milliseconds. */
  grantedMs(deviceId: Id, { from, to }: { from: Day; to: Day }): number {
    return Number(this.#sum.get(deviceId, from, to)?.ms);
  }

  /** Called inside `write`. */
  rename(from: Id, to: Id): void {
    this.#rename.run(to, from);
  }
}

export function grantRow(raw: RawRow): Grant {
  // The columns are the fields.
  return { ...raw } as unknown as Grant;
}
