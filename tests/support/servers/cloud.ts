/**
 * A Supabase project to test against: PostgreSQL and PostgREST as Supabase runs them, our schema and two users. Only
 * what stands before them is ours. It takes seconds to start: one for each test file, emptied between tests.
 * @module
 */
import { schemaSql } from "../../../src/remotes/supabase/mod.ts";
import { Gateway, type GatewayOptions } from "./gateway.ts";
import { PostgresServer } from "./postgres_server.ts";
import { ProjectDatabase } from "./project_database.ts";
import { RestServer } from "./rest_server.ts";
import type { Grants } from "./supabase_project.ts";

export interface CloudOptions extends GatewayOptions {
  /** PostgREST's `db-max-rows`. */
  maxRows?: number;
  /** Which default privileges the project has. */
  grants?: Grants;
  /** Whether `schema.sql` has been run, by `postgres`. */
  schema?: boolean;
  /** Whether commits wait for the disk. */
  durable?: boolean;
}

export class Cloud extends Gateway {
  readonly #database: ProjectDatabase;
  readonly #rest: RestServer;
  readonly #postgres: PostgresServer;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    { postgres, database, rest, stack, options }: {
      postgres: PostgresServer;
      database: ProjectDatabase;
      rest: RestServer;
      stack: AsyncDisposableStack;
      options: CloudOptions;
    },
  ) {
    super(rest, options);
    this.#postgres = postgres;
    this.#database = database;
    this.#rest = rest;
    this.#stack = stack;
  }

  static async start(options: CloudOptions = {}): Promise<Cloud> {
    const { grants = "new", durable = false, maxRows = 1_000 } = options;
    await using stack = new AsyncDisposableStack();
    const { server: postgres } = durable
      ? { server: stack.use(await PostgresServer.start({ durable })) }
      : stack.use(await PostgresServer.share());
    const database = new ProjectDatabase(postgres, await postgres.createDatabase(grants));
    stack.defer(() => postgres.dropDatabase(database.name));
    const rest = new RestServer({ host: database.host, database: database.name, maxRows });
    const cloud = new Cloud({ postgres, database, rest, stack: stack.move(), options });
    try {
      await cloud.#prepare(options.schema ?? true);
    } catch (error) {
      await cloud[Symbol.asyncDispose]();
      throw error;
    }
    return cloud;
  }

  async #prepare(withSchema: boolean): Promise<void> {
    for (const { id, email } of [this.alice, this.bob]) {
      await this.sql("INSERT INTO auth.users (id, email) VALUES ($1, $2)", [id, email]);
    }
    if (withSchema) {
      await this.sql(schemaSql);
      await this.#database.watch((change) => this.realtime.publish(change));
    }
    await this.#database.settle();
    await this.#rest.start();
  }

  /** As `postgres`, the project's owner, past every policy. @returns the last statement's rows */
  async sql<T = Record<string, unknown>>(text: string, params?: readonly unknown[]): Promise<T[]> {
    return await this.#database.sql("postgres", text, params);
  }

  /** Changes the schema as `postgres`, and waits until PostgREST has read it again. */
  async ddl(text: string): Promise<void> {
    await this.#rest.reloads(() => this.sql(`${text}; NOTIFY pgrst, 'reload schema'`));
  }

  /**
   * In one transaction under any role.
   * @param claims what the caller's token says besides the role: `{ sub: cloud.alice.id }`
   * @returns the last statement's rows
   */
  async sqlAs<T = Record<string, unknown>>(
    role: string,
    text: string,
    claims: Readonly<Record<string, unknown>> = {},
  ): Promise<T[]> {
    return await this.#database.sqlAs(role, text, { role, ...claims });
  }

  /** Everything as it was at the start. */
  async empty(): Promise<void> {
    this.restore();
    const added = await this.#database.empty();
    if (added.length > 0) await this.ddl(`DROP TABLE ${added.join(", ")} CASCADE`);
  }

  async restartRest(): Promise<void> {
    await this.stopRest();
    await this.startRest();
  }

  /** PostgREST is away: what stands before it says so. */
  async stopRest(): Promise<void> {
    await this.#rest.stop();
  }

  async startRest(): Promise<void> {
    await this.#rest.start();
  }

  async restartPostgres(): Promise<void> {
    await this.stopPostgres();
    await this.startPostgres();
  }

  /** The database is away: PostgREST stays and tries to reach it, Realtime ends its connections. */
  async stopPostgres(): Promise<void> {
    await this.#database.disconnect();
    await this.#postgres.stop();
    this.realtime.drop();
  }

  async startPostgres(): Promise<void> {
    await this.#postgres.resume();
    await this.#database.listen();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.#rest.stop();
    await this.#database.disconnect();
    await this.#stack.disposeAsync();
  }
}
