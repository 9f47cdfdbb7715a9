/**
 * A PostgreSQL server of this machine's package, for the length of a test file: a cluster in a temporary folder, on
 * a unix socket, spoken to through psql.
 * @module
 */
import { join } from "node:path";

export interface Postgres extends AsyncDisposable {
  version: string;
  /** Runs a script to its end. @throws {Error} with psql's words */
  run(script: string): Promise<void>;
  /** The last statement's rows. */
  rows<Row = Record<string, unknown>>(query: string): Promise<Row[]>;
  /** What psql prints for a script, without decoration. */
  print(script: string): Promise<string>;
}

/** What roles and functions a Supabase project has before our schema comes. */
export const SUPABASE_STUB = `
  CREATE ROLE anon NOLOGIN NOINHERIT;
  CREATE ROLE authenticated NOLOGIN NOINHERIT;
  CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
  CREATE SCHEMA auth;
  CREATE TABLE auth.users (id uuid PRIMARY KEY, email text);
  CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT coalesce(
      nullif(current_setting('request.jwt.claim.sub', true), ''),
      (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
    )::uuid
  $$;
  GRANT USAGE ON SCHEMA public, auth TO anon, authenticated, service_role;
  ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
  ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
  CREATE PUBLICATION supabase_realtime;
`;

/** Where the server's programs are; undefined where it is not installed. */
export function postgresBin(): string | undefined {
  if (Deno.build.os === "windows") return undefined;
  const versions: string[] = [];
  try {
    for (const { name } of Deno.readDirSync("/usr/lib/postgresql")) versions.push(name);
  } catch {
    return undefined;
  }
  return versions.sort((one, other) => Number(other) - Number(one))
    .map((version) => `/usr/lib/postgresql/${version}/bin`)
    .find((bin) => isFile(join(bin, "initdb")) && isFile("/usr/bin/psql"));
}

/**
 * Starts a server of its own; disposal ends it and removes its folder.
 * @param options `durable`: whether a commit waits for the disk, as it does in production
 */
export async function startPostgres(
  bin: string,
  { durable = false }: { durable?: boolean } = {},
): Promise<Postgres> {
  const dir = await Deno.makeTempDir({ prefix: "clockblock-pg-" });
  const owner = serverUser();
  if (owner) await Deno.chown(dir, owner.uid, owner.gid);
  const as = { ...owner, cwd: dir, stdout: "piped", stderr: "piped" } as const;
  await ended(
    new Deno.Command(join(bin, "initdb"), {
      ...as,
      args: ["-D", join(dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
    }),
  );
  const server = new Deno.Command(join(bin, "postgres"), {
    ...as,
    stdout: "null",
    stderr: "null",
    args: [
      ...["-D", join(dir, "data"), "-k", dir, "-h", ""],
      ...["-c", "timezone=UTC", "-c", "max_wal_size=4GB"],
      ...["-c", `fsync=${durable ? "on" : "off"}`],
    ],
  }).spawn();

  const psql = async (script: string): Promise<string> => {
    const child = new Deno.Command("/usr/bin/psql", {
      cwd: dir,
      args: ["-h", dir, "-U", "postgres", "-d", "postgres", "-X", "-q", "-A", "-t"]
        .concat(["-v", "ON_ERROR_STOP=1"]),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    // psql may stop reading at an error.
    await writer.write(new TextEncoder().encode(script)).then(() => writer.close()).catch(() => {});
    const { success, stdout, stderr } = await child.output();
    if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
    return new TextDecoder().decode(stdout);
  };
  const postgres: Postgres = {
    version: "",
    run: async (script) => void await psql(script),
    print: psql,
    async rows<Row>(query: string): Promise<Row[]> {
      const statements = query.trim().replace(/;$/, "");
      const at = statements.lastIndexOf(";") + 1;
      const text = await psql(
        `${statements.slice(0, at)} SELECT coalesce(json_agg(t), '[]') FROM (${
          statements.slice(at)
        }) t;`,
      );
      return JSON.parse(text.slice(text.search(/^\[/m))) as Row[];
    },
    async [Symbol.asyncDispose]() {
      server.kill("SIGINT");
      await server.status;
      await Deno.remove(dir, { recursive: true });
    },
  };
  const deadline = performance.now() + 30_000;
  for (;;) {
    try {
      postgres.version = (await psql("SHOW server_version")).trim();
      return postgres;
    } catch (error) {
      if (performance.now() > deadline) {
        await postgres[Symbol.asyncDispose]();
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** The server refuses to run as root: then it runs as the package's own user. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (Deno.uid() !== 0) return undefined;
  const entry = /^postgres:[^:]*:(\d+):(\d+):/m.exec(Deno.readTextFileSync("/etc/passwd"));
  if (!entry) throw new Error("Cannot start PostgreSQL: there is no user postgres");
  return { uid: Number(entry[1]), gid: Number(entry[2]) };
}

async function ended(command: Deno.Command): Promise<void> {
  const { success, stderr } = await command.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
