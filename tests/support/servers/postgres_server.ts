/**
 * A PostgreSQL server of Debian's package, set up as Supabase does it, in a temporary folder and on a unix socket.
 * A test file has one for all its clouds, and each cloud a database of its own in it.
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
// @ts-types="./pg.d.ts"
import pg, { type ClientConfig } from "pg";
import { KeptProcess } from "../process/kept_process.ts";
import { GRANTS, type Grants, PROJECT, ROLES } from "./supabase_project.ts";

const PACKAGES = "/usr/lib/postgresql";

// Numbers as numbers: none in these tests is above 2^53. A day is a day, wherever the test runs.
for (const type of [pg.types.builtins.INT8, pg.types.builtins.NUMERIC]) {
  pg.types.setTypeParser(type, Number);
}
pg.types.setTypeParser(pg.types.builtins.DATE, (text) => text);

let shared: { server: Promise<PostgresServer>; users: number } | undefined;

export class PostgresServer implements AsyncDisposable {
  /** Where the socket is: the `host` of clients. */
  readonly dir: string;
  readonly #bin: string;
  readonly #durable: boolean;
  #process!: KeptProcess;
  #databases = 0;

  private constructor({ bin, dir, durable }: { bin: string; dir: string; durable: boolean }) {
    this.#bin = bin;
    this.dir = dir;
    this.#durable = durable;
  }

  /**
   * Starts a server of its own; disposal ends it and removes its folder.
   * @param options `durable`: whether a commit waits for the disk, as it does in production
   * @throws {Error} where PostgreSQL is not installed
   */
  static async start({ durable = false } = {}): Promise<PostgresServer> {
    const bin = postgresBin();
    const dir = await Deno.makeTempDir({ prefix: "clockblock-pg-" });
    const user = serverUser();
    if (user) await Deno.chown(dir, user.uid, user.gid);
    const { success, stderr } = await new Deno.Command(join(bin, "initdb"), {
      ...user,
      cwd: dir,
      args: ["-D", "data", "-U", "supabase_admin", "-A", "trust", "-E", "UTF8", "--no-sync"]
        .concat("--locale=C.UTF-8", "--no-instructions"),
    }).output();
    if (!success) throw new Error(`Cannot set PostgreSQL up: ${new TextDecoder().decode(stderr)}`);
    const server = new PostgresServer({ bin, dir, durable });
    await server.resume();
    await server.run("template1", ROLES + PROJECT);
    await server.run("template1", "ALTER PUBLICATION supabase_realtime OWNER TO postgres");
    return server;
  }

  /** The server of this test file, started by its first user and ended by its last. */
  static async share(): Promise<{ server: PostgresServer } & AsyncDisposable> {
    shared ??= { server: PostgresServer.start(), users: 0 };
    const mine = shared;
    mine.users++;
    return {
      server: await mine.server,
      async [Symbol.asyncDispose]() {
        if (--mine.users > 0) return;
        shared = undefined;
        await (await mine.server)[Symbol.asyncDispose]();
      },
    };
  }

  /** Makes the database of a new project. @returns its name */
  async createDatabase(grants: Grants): Promise<string> {
    const name = `project_${++this.#databases}`;
    await this.run("postgres", `CREATE DATABASE ${name} OWNER postgres`);
    await this.run(name, GRANTS[grants]);
    return name;
  }

  async dropDatabase(name: string): Promise<void> {
    await this.run("postgres", `DROP DATABASE ${name} WITH (FORCE)`);
  }

  /** How a client of `pg` connects. */
  connection(database: string, user: string): ClientConfig {
    return { host: this.dir, database, user };
  }

  /** Runs a script as the superuser, in a connection of its own. */
  async run(database: string, script: string): Promise<void> {
    const client = new pg.Client(this.connection(database, "supabase_admin"));
    await client.connect();
    try {
      await client.query(script);
    } finally {
      await client.end();
    }
  }

  /** Every connection breaks, and none is accepted until `resume`. */
  async stop(): Promise<void> {
    await this.#process.end({ keep: true });
  }

  async resume(): Promise<void> {
    this.#process = new KeptProcess(join(this.#bin, "postgres"), {
      args: ["-D", "data", "-k", this.dir, "-h", ""].concat(
        settings({
          timezone: "UTC",
          wal_level: "logical",
          max_wal_size: "4GB",
          fsync: this.#durable ? "on" : "off",
          full_page_writes: this.#durable ? "on" : "off",
        }),
      ),
      user: serverUser(),
      // A fast shutdown: clients are not waited for.
      signal: "INT",
      folder: this.dir,
    });
    await this.#process.logged(/ready to accept connections/g);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end();
  }
}

/** @throws {Error} where PostgreSQL is not installed */
function postgresBin(): string {
  let versions: string[] = [];
  try {
    versions = [...Deno.readDirSync(PACKAGES)].map(({ name }) => name);
  } catch {
    // There is no such package.
  }
  const bin = versions.sort((one, other) => Number(other) - Number(one))
    .map((version) => join(PACKAGES, version, "bin"))
    // The package of the client alone has a folder there too.
    .find((bin) => existsSync(join(bin, "initdb")));
  if (bin !== undefined) return bin;
  throw new Error(
    `Cannot run PostgreSQL: there is none in ${PACKAGES}. Install Debian's package: apt-get install postgresql`,
  );
}

/** The server refuses to run as root: then it runs as the package's own user. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (Deno.uid() !== 0) return undefined;
  const entry = /^postgres:[^:]*:(\d+):(\d+):/m.exec(Deno.readTextFileSync("/etc/passwd"));
  if (!entry) throw new Error("Cannot run PostgreSQL as root: there is no user postgres");
  return { uid: Number(entry[1]), gid: Number(entry[2]) };
}

function settings(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}
