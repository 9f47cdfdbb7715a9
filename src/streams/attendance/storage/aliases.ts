/**
 * Other ids of people, in memory: whose punch it is is asked for every punch. An alias that a write changes is read
 * from the database until the write has ended, so that the write sees it and one that is undone leaves nothing behind.
 * @module
 */
import type { Statement, Store } from "../../../store/mod.ts";

export class Aliases {
  readonly #store: Store;
  /** Alias → person. */
  readonly #owners: Map<string, string>;
  /** Aliases that were changed since `#owners` was. */
  readonly #changed = new Set<string>();
  readonly #owner: Statement;
  readonly #list: Statement;
  readonly #add: Statement;
  readonly #remove: Statement;

  constructor(store: Store) {
    const { db } = store;
    this.#store = store;
    this.#owner = db.prepare("SELECT person_id FROM person_aliases WHERE alias = ?");
    this.#list = db.prepare("SELECT alias FROM person_aliases WHERE person_id = ? ORDER BY alias");
    this.#add = db.prepare("INSERT INTO person_aliases (alias, person_id) VALUES (?, ?)");
    this.#remove = db.prepare("DELETE FROM person_aliases WHERE alias = ?");
    const all = db.prepare("SELECT alias, person_id FROM person_aliases").all();
    this.#owners = new Map(all.map((row) => [String(row.alias), String(row.person_id)]));
  }

  ownerOf(alias: string): string | undefined {
    if (!this.#changed.has(alias)) return this.#owners.get(alias);
    const row = this.#owner.get(alias);
    const owner = row && String(row.person_id);
    if (!this.#store.db.isTransaction) {
      this.#changed.delete(alias);
      if (owner === undefined) this.#owners.delete(alias);
      else this.#owners.set(alias, owner);
    }
    return owner;
  }

  of(personId: string): string[] {
    return this.#list.all(personId).map(({ alias }) => String(alias));
  }

  /** Called inside `write`. */
  add(alias: string, personId: string): void {
    this.#changed.add(alias);
    this.#add.run(alias, personId);
  }

  /** Called inside `write`. */
  remove(alias: string): void {
    this.#changed.add(alias);
    this.#remove.run(alias);
  }
}
