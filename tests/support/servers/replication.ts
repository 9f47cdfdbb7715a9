/**
 * Committed changes of published tables, by triggers and notifications, in the place of the replication that the real
 * Realtime reads.
 * @module
 */
import type { Change } from "./realtime_server.ts";

export const CHANNEL = "changes";

/** Watches every table that is published now. A notification is short: it holds the row's key. */
export const REPLICATION = `
  CREATE SCHEMA IF NOT EXISTS realtime;
  CREATE OR REPLACE FUNCTION realtime.tell() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
  BEGIN
    PERFORM pg_notify('${CHANNEL}', json_build_object('table', TG_TABLE_NAME, 'type', TG_OP, 'row', (
      SELECT string_agg(format('%I = %L', attname, to_jsonb(NEW) ->> attname), ' AND ')
      FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
      WHERE indrelid = TG_RELID AND indisprimary
    ))::text);
    RETURN NULL;
  END
  $$;
  DO $$
  DECLARE
    published text;
  BEGIN
    FOR published IN
      SELECT tablename FROM pg_publication_tables WHERE pubname = 'supabase_realtime'
    LOOP
      EXECUTE format('CREATE OR REPLACE TRIGGER realtime AFTER INSERT OR UPDATE ON public.%I
        FOR EACH ROW EXECUTE FUNCTION realtime.tell()', published);
    END LOOP;
  END
  $$`;

/** What a notification tells of; undefined when the row is gone again. */
export async function changeIn(
  payload: string,
  sql: <T>(text: string) => Promise<T[]>,
): Promise<Change | undefined> {
  const { table, type, row } = JSON.parse(payload) as Omit<Change, "record"> & { row: string };
  const [found] = await sql<{ record: Change["record"] }>(
    `SELECT to_json(t) AS record FROM public.${table} t WHERE ${row}`,
  );
  return found && { table, type, record: found.record };
}
