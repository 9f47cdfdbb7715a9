/**
 * A database with many heartbeats, made by SQL: as after a month without a network.
 * @module
 */
import { instantOf, msOf } from "../../../src/core/mod.ts";
import { Store } from "../../../src/store/mod.ts";
import { migrations } from "../../../src/agent.ts";

/** Writes `rows` heartbeats, one every 5 s, the last of them just before `until`. */
export function makeBacklog(
  path: string,
  { rows, until = instantOf(Date.now()) }: { rows: number; until?: string },
): void {
  const store = new Store(path, { migrations });
  const deviceId = crypto.randomUUID();
  store.db.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
     INSERT INTO heartbeats (id, device_id, timestamp_utc, is_playing, poll_interval_sec, process_name)
     SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-7' || substr(hex(randomblob(2)), 2)
              || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
            ?2, strftime('%Y-%m-%dT%H:%M:%fZ', (?3 - (?1 - i) * 5000) / 1000.0, 'unixepoch'),
            i % 4 = 0, 5, iif(i % 4 = 0, 'Minecraft.exe', NULL)
     FROM n`,
  ).run(rows, deviceId, msOf(until));
  store.db.prepare("INSERT INTO meta VALUES ('device_id', ?)").run(deviceId);
  store.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  store.close();
}
