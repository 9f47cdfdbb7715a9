/**
 * Computes the instants of a device's punches again when its time zone has changed: the text that the device sent
 * stays. Punches that the cloud had are sent again; their ids stay the same.
 * @module
 */
import { logger, msOf } from "../../../core/mod.ts";
import type { RawRow, Store, TableOutbox } from "../../../store/mod.ts";
import type { Directions } from "../sheets/directions.ts";
import type { RecordSource } from "./parsed.ts";

/** Punches of one write: about 3 ms. */
const PAGE_ROWS = 100;

/** Whether the device's punches were read in another zone than its clock is in now. */
export function isRezoneDue(device: RecordSource): boolean {
  return device.readZone !== null && device.readZone !== device.zone.name;
}

/** @returns what computes all punches of a device again, page by page; after an abort, the next run completes it */
export function rezoner(
  store: Store,
  { outbox, directions }: { outbox: TableOutbox; directions: Directions },
): (device: RecordSource, options: { signal: AbortSignal }) => Promise<void> {
  const page = store.db.prepare(
    `SELECT seq, id, person_id, punched_at, device_time, time_zone, received_at,
       added_by, synced_at IS NOT NULL AND rejected_at IS NULL AS settled
     FROM device_logs INDEXED BY device_logs_device
     WHERE device_sn = ? AND (punched_at, seq) > (?, ?)
     ORDER BY punched_at, seq LIMIT ${PAGE_ROWS}`,
  );
  const update = store.db.prepare(
    `UPDATE device_logs SET punched_at = ?, time_zone = ?, time_suspect = ?, synced_at = NULL
     WHERE seq = ?`,
  );

  function read(rows: readonly RawRow[], { zone }: RecordSource): void {
    for (const row of rows) {
      const before = String(row.punched_at);
      const { at, suspect } = zone.read(String(row.device_time), msOf(String(row.received_at)));
      update.run(at, zone.name, suspect ? 1 : 0, Number(row.seq));
      const [since, until] = at < before ? [at, before] : [before, at];
      directions.redecide(String(row.person_id), since, until);
    }
    outbox.changed(
      rows.map(({ id }) => String(id)),
      rows.filter(({ settled }) => settled === 1).length,
    );
  }

  return async (device, { signal }) => {
    const { zone, sn } = device;
    let changed = 0;
    let last: [punchedAt: string, seq: number] = ["", 0];
    for (;;) {
      // Rows that move behind this position are read again, and are right by then.
      const rows = page.all(sn, ...last);
      // What a person added was a time here, whatever the device's clock shows.
      const wrong = rows.filter(({ time_zone, added_by }) =>
        time_zone !== zone.name && added_by === null
      );
      if (wrong.length > 0) await store.write(() => read(wrong, device));
      changed += wrong.length;
      if (rows.length < PAGE_ROWS) break;
      if (signal.aborted || device.zone !== zone) return;
      last = [String(rows.at(-1)!.punched_at), Number(rows.at(-1)!.seq)];
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    device.readZone = zone.name;
    const values = { changed, sn, zone: zone.name };
    logger("attendance").info("{changed} punches of {sn} were computed again in {zone}", values);
  };
}
