/**
 * What a project's schema `public` holds, as PostgreSQL would write it: to compare two of them.
 * @module
 */
import type { Cloud } from "../../../support/servers/cloud.ts";

export interface SchemaObject {
  kind: string;
  name: string;
  definition: string;
}

/** Columns, keys, indexes, functions, triggers, policies, privileges and what is published. */
export async function objectsOf(cloud: Cloud): Promise<SchemaObject[]> {
  return await cloud.sql<SchemaObject>(
    `WITH tables AS (SELECT * FROM pg_class WHERE relnamespace = 'public'::regnamespace)
     SELECT 'relation' AS kind, relname::text AS name,
       format('%s %s %s %s %s', relkind, relrowsecurity, relreplident,
         (SELECT string_agg(entry::text, ' ' ORDER BY entry::text) FROM unnest(relacl) entry),
         pg_get_expr(relpartbound, oid)) AS definition FROM tables
     UNION ALL SELECT 'column', relname || '.' || attname,
       format('%s %s %s %s%s', format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid), attidentity,
         attgenerated)
       FROM tables JOIN pg_attribute ON attrelid = tables.oid AND attnum > 0 AND NOT attisdropped
       LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     UNION ALL SELECT 'constraint', relname || '.' || conname, pg_get_constraintdef(pg_constraint.oid)
       FROM tables JOIN pg_constraint ON conrelid = tables.oid
     UNION ALL SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid)
       FROM tables JOIN pg_index ON indrelid = tables.oid
     UNION ALL SELECT 'trigger', relname || '.' || tgname, pg_get_triggerdef(pg_trigger.oid)
       FROM tables JOIN pg_trigger ON tgrelid = tables.oid AND NOT tgisinternal
       JOIN pg_proc ON pg_proc.oid = tgfoid AND pronamespace = 'public'::regnamespace
     UNION ALL SELECT 'policy', tablename || '.' || policyname, format('%s %s %s %s', cmd, roles, qual, with_check)
       FROM pg_policies WHERE schemaname = 'public'
     UNION ALL SELECT 'function', oid::regprocedure::text, pg_get_functiondef(oid) || ' ' ||
       (SELECT string_agg(entry::text, ' ' ORDER BY entry::text) FROM unnest(proacl) entry)
       FROM pg_proc WHERE pronamespace = 'public'::regnamespace
     UNION ALL SELECT 'published', tablename, '' FROM pg_publication_tables ORDER BY 1, 2`,
  );
}
