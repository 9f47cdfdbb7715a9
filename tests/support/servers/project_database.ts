/**
 * The database of a project under test: SQL in anybody's name, and its changes as Realtime hears of them.
 * @module
 */
// @ts-types="./pg.d.ts"
import pg, { type Client, type Pool, type QueryResult } from "pg";
import type { PostgresServer } from "./postgres_server.ts";
import type { Change } from "./realtime_server.ts";
import { changeIn, CHANNEL, REPLICATION } from "./replication.ts";

const SUPERUSER = "supabase_admin";

export class ProjectDatabase {
  readonly name: string;
  readonly #server: PostgresServer;
  readonly #pools = new Map<string, Pool>();
  #listener: Client | undefined;
  #onChange: ((change: Change) => void) | undefined;
  #firstTables: readonly string[] = [];

  constructor(server: PostgresServer, name: string) {
    this.#server = server;
    this.name = name;
  }

  /** The folder of the server's socket. */
  get host(): string {
    return this.#server.dir;
  }

  /** Runs SQL as a role that may log in. Without parameters it may be many statements: one transaction. */
  async sql<T>(user: string, text: string, params: readonly unknown[] = []): Promise<T[]> {
    const pool = this.#pool(user);
    return rowsOf(params.length > 0 ? await pool.query(text, [...params]) : await pool.query(text));
  }

  /** Runs SQL in one transaction under any role, with the claims that PostgREST would set. */
  async sqlAs<T>(role: string, text: string, claims: object): Promise<T[]> {
    const client = await this.#pool(SUPERUSER).connect();
    try {
      await client.query("BEGIN");
      await client.query(
        "SELECT set_config('request.jwt.claims', $1, true), set_config('role', $2, true)",
        [JSON.stringify(claims), role],
      );
      const rows = rowsOf<T>(await client.query(text));
      await client.query("COMMIT");
      return rows;
    } catch (error) {
      await client.query("ROLLBACK").catch(() => {});
      throw error;
    } finally {
      client.release();
    }
  }

  /** Remembers which tables there are: what `empty` leaves. */
  async settle(): Promise<void> {
    this.#firstTables = await this.#tables();
  }

  /** Removes every row. @returns tables that have been made since the project was settled */
  async empty(): Promise<string[]> {
    await this.sql("postgres", EMPTY);
    return (await this.#tables()).filter((table) => !this.#firstTables.includes(table));
  }

  /** Tells of every committed INSERT and UPDATE in a table that is published now. */
  async watch(onChange: (change: Change) => void): Promise<void> {
    await this.sql(SUPERUSER, REPLICATION);
    this.#onChange = onChange;
    await this.listen();
  }

  /** Connects again for `watch`, after the server was away. */
  async listen(): Promise<void> {
    if (!this.#onChange) return;
    const listener = new pg.Client(this.#server.connection(this.name, SUPERUSER));
    this.#listener = listener;
    // The server goes away.
    listener.on("error", () => {});
    listener.on("notification", ({ payload }) => void this.#changed(payload));
    await listener.connect();
    await listener.query(`LISTEN ${CHANNEL}`);
  }

  /** Closes every connection; the next use opens them again. */
  async disconnect(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await this.#listener?.end();
    this.#listener = undefined;
    await Promise.all(pools.map((pool) => pool.end()));
  }

  #pool(user: string): Pool {
    let pool: Pool | undefined = this.#pools.get(user);
    if (!pool) {
      pool = new pg.Pool(this.#server.connection(this.name, user));
      // A connection that breaks while nobody uses it.
      pool.on("error", () => {});
      this.#pools.set(user, pool);
    }
    return pool;
  }

  async #tables(): Promise<string[]> {
    const rows = await this.sql<{ name: string }>(
      "postgres",
      `SELECT oid::regclass::text AS name FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')`,
    );
    return rows.map(({ name }) => name);
  }

  async #changed(payload: string): Promise<void> {
    try {
      const change = await changeIn(payload, (text) => this.sql("postgres", text));
      if (change) this.#onChange?.(change);
    } catch (error) {
      // The server goes away, or this cloud ends.
      if (this.#listener) throw error;
    }
  }
}

/** Of many statements, the last one's. */
function rowsOf<T>(result: QueryResult | QueryResult[]): T[] {
  return ([result].flat().at(-1)?.rows ?? []) as T[];
}

/** Only tables that hold something: truncating one takes a millisecond, looking takes none. */
const EMPTY = `
  DO $$
  DECLARE
    target regclass;
    filled boolean;
    targets text[] := '{}';
  BEGIN
    FOR target IN
      SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    LOOP
      EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', target) INTO filled;
      IF filled THEN targets := targets || target::text; END IF;
    END LOOP;
    IF targets <> '{}' THEN EXECUTE 'TRUNCATE ' || array_to_string(targets, ', ') || ' CASCADE'; END IF;
  END
  $$`;
