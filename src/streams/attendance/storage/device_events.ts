/**
 * What devices report besides punches: doors, unknown faces, menu operations, unknown commands.
 * Kept so that it may be acknowledged, and to be looked up; it is not sent to the cloud.
 * @module
 */
import { hash } from "node:crypto";
import { instantOf } from "../../../core/mod.ts";
import type { Statement, Store } from "../../../store/mod.ts";
import type { ParsedEvent } from "./parsed.ts";

export class DeviceEvents {
  readonly #insert: Statement;

  constructor(store: Store) {
    this.#insert = store.db.prepare(
      `INSERT INTO device_events (id, device_sn, kind, person_id, device_time, event, raw, received_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    );
  }

  /** Stores events that are not known yet; called inside `write`. */
  add(
    events: readonly ParsedEvent[],
    { sn, receivedMs }: { sn: string; receivedMs: number },
  ): void {
    const receivedAt = instantOf(receivedMs);
    for (const { kind, personId, deviceTime, event, raw } of events) {
      // An event without a time is identified by its content.
      const key = ["v1", sn, kind, personId, deviceTime || raw, event ?? ""].join("|");
      const id = hash("sha256", key, "hex");
      this.#insert.run(id, sn, kind, personId, deviceTime, event, raw, receivedAt);
    }
  }
}
