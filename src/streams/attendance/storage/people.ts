/**
 * People as devices number them. A person may have several, since two devices may number them
 * differently; a punch keeps the number that the device sent. What a person has entered stands against an import, and
 * that against what devices send:
 *
 *     device ──► import ──► person        of several devices the one whose name has changed last
 *
 * Names are read by key from the database, so that a write sees its own changes and one that is undone leaves nothing
 * behind.
 * @module
 */
import type { Person, PersonSource } from "../../../contract/attendance.ts";
import { type Clock, type Hub, instantOf } from "../../../core/mod.ts";
import type { RawRow, Store, TableOutbox } from "../../../store/mod.ts";
import { Aliases } from "./aliases.ts";
import { peopleOutbox, rowIdOf } from "./people_outbox.ts";
import { personName } from "./person_name.ts";

export interface PeopleOptions {
  clock: Clock;
  hub: Hub;
  /** Other punches are a person's now; called inside the `write` that does it. */
  onRegroup?: (personId: string) => void;
  /** Punches that are stored have another name now; called inside the `write` that does it. */
  onRename?: (personId: string) => void;
}

/** What is said of a person; what is left out stays. */
export interface PersonChange {
  name?: string | null | undefined;
  department?: string | null | undefined;
  active?: boolean | undefined;
  aliases?: readonly string[] | undefined;
}

/** An id is to be one person's and is another's. */
export class AliasTaken extends Error {
  override readonly name = "AliasTaken";

  constructor(readonly alias: string, readonly owner: string) {
    super(
      alias === owner
        ? `"${alias}" is a person of its own`
        : `"${alias}" is an alias of "${owner}"`,
    );
  }
}

type Columns = Omit<Person, "aliases" | "updated_at">;

/** An erased person is not shown until a device sends the id again. */
const SHOWN = `person_id NOT IN (SELECT alias FROM person_aliases) AND erased_at IS NOT updated_at`;

const RANK: readonly PersonSource[] = ["device", "import", "person"];

export class People {
  readonly outbox: TableOutbox;
  readonly #store: Store;
  readonly #options: PeopleOptions;
  readonly #aliases: Aliases;
  readonly #statements: ReturnType<typeof prepare>;
  #announcing = false;

  constructor(store: Store, options: PeopleOptions) {
    this.#store = store;
    this.#options = options;
    this.#aliases = new Aliases(store);
    this.outbox = peopleOutbox(store, (id) => this.#aliases.ownerOf(id));
    this.#statements = prepare(store);
  }

  /** The person with this id: the owner where it is an alias. */
  personOf(id: string): string {
    return this.#aliases.ownerOf(id) ?? id;
  }

  /** Every id of a person, the person's own first. */
  idsOf(personId: string): readonly string[] {
    return [personId, ...this.#aliases.of(personId)];
  }

  /** By any of the person's ids. */
  nameOf(id: string): string | null {
    return textOf(this.#statements.name.get(id)?.name);
  }

  departmentOf(id: string): string | null {
    return textOf(this.#statements.department.get(id)?.department);
  }

  /** The person with this id, be it an alias. */
  find(id: string): Person | undefined {
    const row = this.#statements.find.get(id);
    return row && asPerson(row);
  }

  /** People in the order of their ids, after one and up to another, as many as are taken. */
  *list(
    { after = "", until = "\u{10FFFF}" }: {
      after?: string | undefined;
      until?: string | undefined;
    } = {},
  ): Generator<Person> {
    for (const row of this.#statements.list.iterate(after, until)) yield asPerson(row);
  }

  /**
   * A device has sent an id, and the name that it knows it by, if any; called inside `write`. A device that repeats a
   * name changes nothing: two that disagree would do so for ever.
   */
  seen(id: string, { sn, name }: { sn: string; name: string | null }): void {
    const known = this.#statements.known.get(id, sn)!;
    const said = personName(name);
    const isNews = said !== null && said !== known.said;
    if (isNews) this.#statements.noteName.run(id, sn, said);
    const personId = String(known.person_id);
    if (known.is_new === 1) {
      this.#write({ ...namedByDevices(personId, said), active: true });
    } else if (isNews && known.source === "device" && known.name !== said) {
      this.#write({ ...columnsOf(known), name: said });
    }
  }

  /**
   * A person, or an import, says what is so; called inside `write`. An import fills in what a person left empty, and
   * changes nothing else that a person has entered.
   * @throws {AliasTaken}
   */
  set(id: string, change: PersonChange, source: Exclude<PersonSource, "device">): Person {
    const personId = this.personOf(id);
    const before = this.find(personId);
    const isHeld = before !== undefined && RANK.indexOf(before.source) > RANK.indexOf(source);
    const chosen = <T>(held: T, given: T | undefined): T =>
      given === undefined || (isHeld && held !== null) ? held : given;
    const after: Columns = {
      person_id: personId,
      name: chosen(before?.name ?? null, given(change.name)),
      department: chosen(before?.department ?? null, given(change.department)),
      active: chosen(before?.active ?? true, change.active),
      source: isHeld ? before.source : source,
    };
    const aliases = isHeld && before.aliases.length > 0 ? undefined : change.aliases;
    const has = before?.aliases ?? [];
    for (const alias of aliases ?? []) {
      if (alias !== personId && !has.includes(alias)) this.#requireFree(alias);
    }
    if (!before || differ(before, after)) this.#write(after);
    if (aliases) this.#setAliases(personId, aliases);
    return this.find(personId)!;
  }

  /**
   * Forgets a person with all ids; called inside `write`. Where a row is kept, it says for the cloud that everything of
   * that id up to then is erased; it is not shown until a device sends the id again.
   */
  erase(personId: string, { keepRow }: { keepRow: boolean }): void {
    const at = instantOf(this.#options.clock.now());
    for (const id of this.idsOf(personId)) {
      this.#aliases.remove(id);
      this.#statements.removeNames.run(id);
      const before = this.#statements.row.get(id);
      if (keepRow) {
        this.#statements.erase.run(id, at);
        this.#written(id, before);
      } else {
        this.#statements.remove.run(id);
        this.outbox.removed(before ? Number(before.waits) : 0);
      }
      this.#forgetRejection(id);
      this.#options.onRegroup?.(id);
    }
    this.#announce();
  }

  #setAliases(personId: string, aliases: readonly string[]): void {
    const before = this.#aliases.of(personId);
    const after = new Set(aliases.filter((alias) => alias !== personId));
    const added = [...after].filter((alias) => !before.includes(alias));
    const removed = before.filter((alias) => !after.has(alias));
    for (const alias of removed) {
      this.#aliases.remove(alias);
      // Any of several names that devices have sent.
      const name = textOf(this.#statements.deviceName.get(alias)?.name);
      this.#write({ ...namedByDevices(alias, name), active: true });
      this.#options.onRegroup?.(alias);
    }
    let name = this.nameOf(personId);
    for (const alias of added) {
      name ??= this.nameOf(alias);
      this.#aliases.add(alias, personId);
      this.#write({ ...namedByDevices(alias, null), active: false });
    }
    const person = this.find(personId)!;
    if (person.name !== name) this.#write({ ...person, name });
    if (added.length + removed.length === 0) return;
    this.#options.onRegroup?.(personId);
    this.#announce();
  }

  /** An id that only a device has named, or whose person has left, may become another's. */
  #requireFree(alias: string): void {
    const owner = this.personOf(alias);
    if (owner !== alias) throw new AliasTaken(alias, owner);
    const person = this.find(alias);
    if (!person) return;
    const isFree = person.source === "device" || !person.active;
    if (!isFree || person.aliases.length > 0) throw new AliasTaken(alias, alias);
  }

  #write({ person_id, name, department, active, source }: Columns): void {
    const at = instantOf(this.#options.clock.now());
    const before = this.#statements.row.get(person_id);
    this.#statements.write.run(person_id, name, department, active ? 1 : 0, source, at);
    if (before && before.name !== name) this.#options.onRename?.(person_id);
    this.#written(person_id, before);
    this.#announce();
  }

  /** The cloud is to have a row as it is now. */
  #written(personId: string, before: RawRow | undefined): void {
    if (!before) return this.outbox.added(1);
    this.outbox.changed([rowIdOf(personId)], before.waits === 1 ? 0 : 1);
    if (before.rejected === 1) this.#store.rejected.readmit("attendance", rowIdOf(personId));
  }

  /** What the cloud refused of a person has the name in it. */
  #forgetRejection(personId: string): void {
    const id = rowIdOf(personId);
    this.outbox.discard([id]);
    this.#store.rejected.accepted("attendance", [id]);
  }

  /** Pages learn of it once, however many people a write changes. */
  #announce(): void {
    this.#store.afterCommit(() => {
      if (this.#announcing) return;
      this.#announcing = true;
      queueMicrotask(() => {
        this.#announcing = false;
        const { hub, clock } = this.#options;
        hub.publish("people", { changed_at: instantOf(clock.now()) });
      });
    });
  }
}

function prepare({ db }: Store) {
  const owner = "coalesce((SELECT person_id FROM person_aliases WHERE alias = ?1), ?1)";
  const columns = `person_id, name, department, active, source, updated_at,
      (SELECT json_group_array(alias ORDER BY alias) FROM person_aliases
       WHERE person_aliases.person_id = people.person_id) AS aliases`;
  return {
    name: db.prepare(`SELECT name FROM people WHERE person_id = ${owner}`),
    row: db.prepare(
      `SELECT name, synced_at IS NULL AND rejected_at IS NULL AS waits, rejected_at IS NOT NULL AS rejected
         FROM people WHERE person_id = ?`,
    ),
    department: db.prepare(`SELECT department FROM people WHERE person_id = ${owner}`),
    known: db.prepare(
      `SELECT owner.person_id, people.name, department, active, source, device_names.name AS said,
           people.person_id IS NULL OR erased_at IS updated_at AS is_new
         FROM (SELECT ${owner} AS person_id) AS owner
         LEFT JOIN people USING (person_id)
         LEFT JOIN device_names ON device_names.person_id = ?1 AND device_sn = ?2`,
    ),
    find: db.prepare(`SELECT ${columns} FROM people WHERE person_id = ${owner} AND ${SHOWN}`),
    list: db.prepare(
      `SELECT ${columns} FROM people WHERE person_id > ? AND person_id <= ? AND ${SHOWN}
         ORDER BY person_id`,
    ),
    write: db.prepare(
      `INSERT INTO people (person_id, name, department, active, source, updated_at)
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (person_id) DO UPDATE SET
           name = excluded.name, department = excluded.department, active = excluded.active,
           source = excluded.source, updated_at = excluded.updated_at, synced_at = NULL, rejected_at = NULL`,
    ),
    deviceName: db.prepare("SELECT name FROM device_names WHERE person_id = ? LIMIT 1"),
    removeNames: db.prepare("DELETE FROM device_names WHERE person_id = ?"),
    erase: db.prepare(
      `INSERT INTO people (person_id, active, source, updated_at, erased_at) VALUES (?1, 0, 'device', ?2, ?2)
         ON CONFLICT (person_id) DO UPDATE SET name = NULL, department = NULL, active = 0, source = 'device',
           updated_at = excluded.updated_at, erased_at = excluded.erased_at, synced_at = NULL,
           rejected_at = NULL`,
    ),
    remove: db.prepare("DELETE FROM people WHERE person_id = ?"),
    noteName: db.prepare(
      "INSERT OR REPLACE INTO device_names (person_id, device_sn, name) VALUES (?, ?, ?)",
    ),
  };
}

/** A given name as it is kept: undefined stays undefined, blanks alone are null. */
function given(text: string | null | undefined): string | null | undefined {
  return text === undefined ? undefined : personName(text);
}

/** A person known from devices alone. */
function namedByDevices(id: string, name: string | null): Omit<Columns, "active"> {
  return { person_id: id, name, department: null, source: "device" };
}

function differ(before: Columns, after: Columns): boolean {
  return (["name", "department", "active", "source"] as const)
    .some((key) => before[key] !== after[key]);
}

function columnsOf(row: RawRow): Columns {
  return {
    person_id: String(row.person_id),
    name: textOf(row.name),
    department: textOf(row.department),
    active: row.active === 1,
    source: row.source as PersonSource, // only written by `#write`
  };
}

function asPerson(row: RawRow): Person {
  return {
    ...columnsOf(row),
    aliases: JSON.parse(String(row.aliases)) as string[],
    updated_at: String(row.updated_at),
  };
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
