/** What is kept of one person, to be handed out: read while it is sent, so that years of punches take no memory. @module */
import type { Person } from "../../../contract/attendance.ts";
import type { Placed } from "../../../core/mod.ts";
import type { Store } from "../../../store/mod.ts";
import type { People } from "../storage/people.ts";
import { eventPageEnd } from "./event_pages.ts";
import { JsonRows } from "./json.ts";

/** A place among the rows of a person with several ids. */
interface Place {
  id: number;
  punchedAt: string;
  key: string | number;
}

/** Everything that is kept of a person, by table. */
export function dossierOf(
  person: Person,
  { store: { db }, people }: { store: Store; people: People },
): Readonly<Record<string, unknown>> {
  const ids = people.idsOf(person.person_id);
  const names = db.prepare(
    "SELECT device_sn, person_id, name FROM device_names WHERE person_id = ?",
  );
  const commands = db.prepare(
    `SELECT * FROM device_commands WHERE id > ? AND person_id IN (SELECT value FROM json_each(?))
     ORDER BY id`,
  );
  const events = db.prepare(
    `SELECT * FROM device_events WHERE seq > ? AND seq <= ?
     AND person_id IN (SELECT value FROM json_each(?)) ORDER BY seq`,
  );
  const endOfEvents = eventPageEnd(db);

  const byTime = (table: string, key: string) => {
    const rows = db.prepare(
      `SELECT * FROM ${table} INDEXED BY ${table}_person
       WHERE person_id = ? AND (punched_at, ${key}) > (?, ?) ORDER BY punched_at, ${key}`,
    );
    return new JsonRows(function* (after?: Place): Generator<Placed<Place>> {
      for (let id = after?.id ?? 0; id < ids.length; id++) {
        const { punchedAt, key: last } = id === after?.id ? after : { punchedAt: "", key: 0 };
        for (const row of rows.iterate(ids[id]!, punchedAt, last)) {
          // The table's key, which is never null.
          const at = { id, punchedAt: String(row.punched_at), key: row[key] as string | number };
          yield { at, json: JSON.stringify(row) };
        }
      }
    });
  };
  return {
    person,
    device_names: ids.flatMap((id) => names.all(id)),
    punches: byTime("device_logs", "seq"),
    corrections: byTime("punch_corrections", "id"),
    commands: new JsonRows(function* (after = 0): Generator<Placed<number>> {
      for (const row of commands.iterate(after, JSON.stringify(ids))) {
        yield { at: Number(row.id), json: JSON.stringify(row) };
      }
    }),
    events: new JsonRows(function* (from = 0): Generator<Placed<number>> {
      for (let to; (to = endOfEvents(from)) !== undefined; from = to) {
        for (const row of events.iterate(from, to, JSON.stringify(ids))) {
          yield { at: Number(row.seq), json: JSON.stringify(row) };
        }
        yield { at: to };
      }
    }),
  };
}
