/**
 * Grants made in the cloud, such as by a parent's phone. Rows are added and never change, so that both sides join by id.
 * A grant that the local API would refuse does not count.
 * @module
 */
import * as v from "valibot";
import type { Grant } from "../../../contract/allowance.ts";
import {
  type ApplyResult,
  type Clock,
  type Cursor,
  dayAt,
  dayText,
  type Id,
  type Inbox,
  type Instant,
  instantOf,
  instantText,
  msOf,
  type Page,
  type Row,
  type Warnings,
} from "../../../core/mod.ts";
import type { Statement, Store } from "../../../store/mod.ts";
import type { AllowanceBook } from "./book.ts";
import type { Grants } from "./grants.ts";
import { extraMin, MAX_SYNCED_GRANTS_A_DAY, otherDays, shortText } from "./limits.ts";

/** The table, here and in the cloud. */
export const GRANTS_TABLE = "allowance_grants";

export interface GrantsInboxOptions {
  store: Store;
  grants: Grants;
  book: Pick<AllowanceBook, "apply">;
  clock: Clock;
  warnings: Warnings;
  deviceId: Id;
}

const cloudGrant = v.object({
  id: shortText(),
  device_id: v.string(),
  date: dayText(),
  extra_min: extraMin(),
  reason: textOrNull(),
  made_by: textOrNull(),
  undoes: textOrNull(),
  created_at: instantText(),
  updated_at: instantText(),
});

export class GrantsInbox implements Inbox {
  readonly tables = [GRANTS_TABLE];
  readonly #options: GrantsInboxOptions;
  readonly #cursor: Statement;
  readonly #setCursor: Statement;

  constructor(options: GrantsInboxOptions) {
    const { db } = options.store;
    this.#options = options;
    this.#cursor = db.prepare("SELECT updated_at, row_id FROM sync_cursors WHERE table_name = ?");
    this.#setCursor = db.prepare(
      "INSERT OR REPLACE INTO sync_cursors (table_name, updated_at, row_id) VALUES (?, ?, ?)",
    );
  }

  cursor(table: string): Cursor | null {
    const row = this.#cursor.get(table);
    return row ? { updatedAt: String(row.updated_at), id: String(row.row_id) } : null;
  }

  apply({ table, rows, cursor }: Page): ApplyResult {
    const applied = this.#options.book.apply(this.#grantsOf(rows));
    if (cursor) this.#setCursor.run(table, cursor.updatedAt, cursor.id);
    return { applied, conflicts: 0 };
  }

  /** This machine's grants of a page. A row is read after the grant before it is stored, which it may undo. */
  *#grantsOf(rows: readonly Row[]): Generator<Grant> {
    const { store, warnings, clock, deviceId } = this.#options;
    const at = instantOf(clock.now());
    for (const row of rows) {
      // Several machines may share a system.
      if (row.device_id !== deviceId) continue;
      const grant = this.#read(row, at);
      if (typeof grant === "string") {
        const message =
          `A grant in the cloud is not counted: ${GRANTS_TABLE} "${row.id}", ${grant}`;
        store.afterCommit(() => warnings.raise("allowance.refused", message));
      } else yield grant;
    }
  }

  /** The grant, or why it is refused. */
  #read(row: Row, at: Instant): Grant | string {
    const { output, issues, success } = v.safeParse(cloudGrant, row, { abortEarly: true });
    if (!success) return `column ${v.getDotPath(issues[0])}: ${issues[0].message}`;
    const { date, created_at, undoes } = output;
    // Compared with the day on which it was made: the last pull may be long ago.
    const days = otherDays(date, dayAt(msOf(created_at), "UTC"));
    if (days !== undefined) return `column date: ${days}`;
    const undone = undoes === null ? undefined : this.#options.grants.get(undoes);
    if (undoes !== null && !(undone && isOpposite(output, undone))) {
      return `column undoes: expected the id of a grant of ${-output
        .extra_min} minutes for ${date}`;
    }
    const { grants, deviceId } = this.#options;
    if (!grants.get(output.id) && grants.count(deviceId, date) >= MAX_SYNCED_GRANTS_A_DAY) {
      return `column date: expected at most ${MAX_SYNCED_GRANTS_A_DAY} grants for ${date}`;
    }
    return { ...output, synced_at: at };
  }
}

function isOpposite(one: Omit<Grant, "synced_at">, other: Grant): boolean {
  return one.extra_min === -other.extra_min && one.date === other.date &&
    one.device_id === other.device_id;
}

/** A form that was left empty may send an empty text. */
function textOrNull() {
  return v.union([
    v.pipe(v.nullish(v.literal("")), v.transform(() => null)),
    shortText(),
  ]);
}
