/** Many machines of one account in a cloud: rows of `devices` and sixty days of rollups, without any agent. @module */
import type { Cloud } from "./servers/cloud.ts";

export interface FleetOptions {
  user: { id: string };
  /** Systems are `<prefix>-0000`, `<prefix>-0001` … */
  prefix: string;
  machines: number;
}

/**
 * Of ten machines, one is silent since an hour, one has an error, one is over its allowance, two are playing, and
 * the others idle.
 */
export async function fillFleet(
  cloud: Cloud,
  { user, prefix, machines }: FleetOptions,
): Promise<void> {
  // As one transaction of its owner, with the stamp's trigger off: some were seen an hour ago.
  await cloud.sql(`
    ALTER TABLE devices DISABLE TRIGGER devices_stamp;
    CREATE TEMPORARY TABLE machine AS
      SELECT '${prefix}-' || to_char(n, 'FM0000') AS id, n, n % 10 AS kind
      FROM generate_series(0, ${machines - 1}) n;
    INSERT INTO system_members (system_id, user_id) SELECT id, '${user.id}' FROM machine;
    INSERT INTO devices (system_id, device_id, name, version, time_zone, allowance_min, granted_min,
        minutes_today, minutes_left, is_playing, process_name, waiting, last_error, last_seen, received_at)
      SELECT id, id, 'Machine ' || to_char(n, 'FM0000'), '0.2.0', 'Europe/Berlin', 120, 0,
        CASE kind WHEN 3 THEN 150 ELSE 10 + n % 100 END,
        CASE kind WHEN 3 THEN 0 ELSE 110 - n % 100 END,
        kind IN (4, 5), CASE WHEN kind IN (4, 5) THEN 'Minecraft.exe' END,
        jsonb_build_object('playtime', n % 7),
        CASE kind WHEN 1 THEN 'Sign in again' END,
        now() - CASE kind WHEN 2 THEN interval '1 hour' ELSE interval '1 second' * (n % 60) END,
        now() - CASE kind WHEN 2 THEN interval '1 hour' ELSE interval '1 second' * (n % 60) END
      FROM machine;
    INSERT INTO daily_rollups (device_id, date_utc, seconds_used, minutes_allowed, last_heartbeat_at)
      SELECT id, (now() AT TIME ZONE 'utc')::date - ago, (n * 37 + ago * 101) % 180 * 60, 120, now()
      FROM machine, generate_series(0, 59) ago;
    DROP TABLE machine;
    ALTER TABLE devices ENABLE TRIGGER devices_stamp`);
}
