/**
 * What the database of a new Supabase project holds before any SQL of ours: roles, the schemas `auth` and
 * `extensions`, the publication of Realtime, the trigger that tells PostgREST of a changed schema, and default
 * privileges. After the images and migrations of github.com/supabase/postgres.
 * @module
 */

/** Who may use tables that are made in `public`, before anything is granted. */
export type Grants =
  /** Projects made before 30 May 2026: every API role may use every new table, sequence and function. */
  | "old"
  /** Projects made since, and from 30 October 2026 on all: nobody may, PUBLIC may not even call functions. */
  | "new";

/** Of the whole server, once, by its superuser `supabase_admin`. */
export const ROLES = `
  CREATE ROLE postgres LOGIN NOSUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS;
  CREATE ROLE anon NOLOGIN NOINHERIT;
  CREATE ROLE authenticated NOLOGIN NOINHERIT;
  CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
  CREATE ROLE authenticator LOGIN NOINHERIT;
  CREATE ROLE supabase_auth_admin LOGIN NOINHERIT CREATEROLE;
  GRANT anon, authenticated, service_role TO authenticator;
  GRANT anon, authenticated, service_role, pg_monitor, pg_signal_backend TO postgres;
  ALTER ROLE anon SET statement_timeout = '3s';
  ALTER ROLE authenticated SET statement_timeout = '8s';
  ALTER ROLE authenticator SET statement_timeout = '8s';
  ALTER ROLE authenticator SET lock_timeout = '8s';
  ALTER ROLE postgres SET search_path = "$user", public, extensions;
  ALTER ROLE supabase_admin SET search_path = "$user", public, extensions;
  ALTER ROLE supabase_auth_admin SET search_path = auth;
`;

/** Of each database, by `supabase_admin`: run in the template that projects are made from. */
export const PROJECT = `
  CREATE SCHEMA extensions;
  GRANT ALL ON SCHEMA extensions TO postgres;
  GRANT USAGE ON SCHEMA extensions TO anon, authenticated, service_role;
  CREATE EXTENSION pgcrypto SCHEMA extensions;
  CREATE EXTENSION "uuid-ossp" SCHEMA extensions;
  GRANT USAGE ON SCHEMA public TO postgres, anon, authenticated, service_role;

  CREATE SCHEMA auth AUTHORIZATION supabase_auth_admin;
  GRANT ALL ON SCHEMA auth TO postgres;
  GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
  SET ROLE supabase_auth_admin;
  CREATE TABLE auth.users (
    instance_id uuid,
    id uuid PRIMARY KEY,
    aud varchar(255),
    role varchar(255),
    email varchar(255) UNIQUE,
    raw_user_meta_data jsonb,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
  );
  ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;
  GRANT ALL ON auth.users TO postgres;
  CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT coalesce(
      nullif(current_setting('request.jwt.claim.sub', true), ''),
      nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid
  $$;
  CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(
      nullif(current_setting('request.jwt.claim.role', true), ''),
      nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
    )
  $$;
  CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(
      nullif(current_setting('request.jwt.claim', true), ''),
      nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
  $$;
  RESET ROLE;

  CREATE PUBLICATION supabase_realtime;

  CREATE FUNCTION extensions.pgrst_ddl_watch() RETURNS event_trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF EXISTS (
      SELECT 1 FROM pg_event_trigger_ddl_commands()
      WHERE schema_name IS DISTINCT FROM 'pg_temp' AND command_tag IN (
        'CREATE SCHEMA', 'ALTER SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE',
        'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE', 'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW',
        'ALTER MATERIALIZED VIEW', 'CREATE FUNCTION', 'ALTER FUNCTION', 'CREATE TRIGGER', 'CREATE TYPE',
        'ALTER TYPE', 'CREATE RULE', 'COMMENT'
      )
    ) THEN
      NOTIFY pgrst, 'reload schema';
    END IF;
  END
  $$;
  CREATE FUNCTION extensions.pgrst_drop_watch() RETURNS event_trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF EXISTS (
      SELECT 1 FROM pg_event_trigger_dropped_objects()
      WHERE NOT is_temporary AND object_type IN (
        'schema', 'table', 'foreign table', 'view', 'materialized view', 'function', 'trigger', 'type', 'rule'
      )
    ) THEN
      NOTIFY pgrst, 'reload schema';
    END IF;
  END
  $$;
  CREATE EVENT TRIGGER pgrst_ddl_watch ON ddl_command_end EXECUTE FUNCTION extensions.pgrst_ddl_watch();
  CREATE EVENT TRIGGER pgrst_drop_watch ON sql_drop EXECUTE FUNCTION extensions.pgrst_drop_watch();
`;

/** Of a project's own database, by `supabase_admin`: what may be used of tables to come. */
export const GRANTS: Readonly<Record<Grants, string>> = {
  old: eachOwner((owner) =>
    ["TABLES", "SEQUENCES", "FUNCTIONS"].map((objects) =>
      `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} IN SCHEMA public
         GRANT ALL ON ${objects} TO postgres, anon, authenticated, service_role;`
    ).join("\n")
  ),
  new: eachOwner((owner) =>
    `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;`
  ),
};

function eachOwner(sql: (owner: string) => string): string {
  return ["postgres", "supabase_admin"].map(sql).join("\n");
}
