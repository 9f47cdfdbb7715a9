/**
 * People on their way to the cloud, a row an id. An erased one makes the cloud delete everything of that id, and so also
 * what came from it since the erasure: that is sent again.
 * @module
 */
import { type TableOutbox, tableOutbox } from "../../../store/mod.ts";
import type { Row } from "../../../core/mod.ts";
import type { RawRow, Store } from "../../../store/mod.ts";

const ID_PREFIX = "person:";

/** The id of a person's row among all that the stream sends. */
export function rowIdOf(personId: string): string {
  return ID_PREFIX + personId;
}

/** @param ownerOf whose alias an id is */
export function peopleOutbox(
  store: Store,
  ownerOf: (id: string) => string | undefined,
): TableOutbox {
  const outbox = tableOutbox(store, {
    stream: "attendance",
    table: "people",
    remoteTable: "people",
    index: "people_waiting",
    key: "person_id",
    order: ["updated_at", "person_id"],
    columns: ["name", "department", "active", "source", "updated_at", "erased_at"],
    row: (raw) => sent(raw, ownerOf(String(raw.person_id))),
    instant: "updated_at",
  });
  const resendSinceErasure = store.db.prepare(
    `UPDATE people SET resend = resend + 1
     WHERE person_id IN (SELECT substr(value, ${ID_PREFIX.length + 1}) FROM json_each(?))
       AND erased_at IS NOT NULL AND erased_at <> updated_at`,
  );
  return {
    ...outbox,
    settle(ids, at) {
      outbox.settle(ids, at);
      resendSinceErasure.run(JSON.stringify(ids));
    },
  };
}

function sent(raw: RawRow, owner: string | undefined): Row {
  // Every row has a text `id`.
  return { ...raw, active: raw.active === 1, alias_of: owner ?? null } as unknown as Row;
}
