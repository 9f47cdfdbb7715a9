/**
 * A real HTTP server that keeps rows by id and breaks on purpose: what a cloud does on a bad day, by script.
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { gunzipSync } from "node:zlib";
import type { AddressInfo } from "node:net";

export type StoredRow = Readonly<Record<string, unknown>> & { id: string };

/** How a request goes wrong. */
export type Fault =
  /** An answer that is no 2xx; nothing is stored. */
  | { kind: "status"; status: number; body?: unknown; headers?: Readonly<Record<string, string>> }
  /** No answer, ever. */
  | { kind: "hang" }
  /** The connection breaks before anything is stored. */
  | { kind: "reset" }
  /** The rows are stored, then the connection breaks. */
  | { kind: "reset-after-apply" }
  /** The rows are stored, and half of the answer is sent. */
  | { kind: "half-written" }
  /** The network delivers the request twice. */
  | { kind: "duplicate" }
  /** A 2xx that comes late. */
  | { kind: "slow"; ms: number }
  /** Any 2xx, with a body of any kind; the rows are stored. */
  | { kind: "answer"; status?: number; body: string; headers?: Readonly<Record<string, string>> }
  /** Only rows that this says yes to are stored and accepted; the others are in neither list. */
  | { kind: "partial"; takes: (id: string) => boolean };

export interface Received {
  method: string;
  path: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  ids: string[];
  bytes: number;
}

export class FaultyServer implements AsyncDisposable {
  /** What was stored, once an id. */
  readonly rows = new Map<string, StoredRow>();
  /** How often an id was delivered and stored. */
  readonly deliveries = new Map<string, number>();
  readonly requests: Received[] = [];
  /** Taken from the front, one a POST; then `nextFault`. */
  readonly faults: Fault[] = [];
  nextFault: () => Fault | undefined = () => undefined;
  /** Rows that make the whole batch fail, and with what. */
  readonly poison = new Map<string, { status: number; body: unknown }>();
  maxRows = Infinity;
  maxBytes = Infinity;
  /** When set, other tokens get 401. */
  token: string | undefined;
  takesGzip = true;
  /** Whether a 2xx names the rows; otherwise it is a bare 204. */
  names = true;
  readonly #server: Server;
  readonly #hanging = new Set<ServerResponse>();

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  static async start(): Promise<FaultyServer> {
    const server = new FaultyServer();
    await server.listen(0);
    return server;
  }

  /** Listens again, after `close`. */
  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/heartbeats`;
  }

  get posts(): Received[] {
    return this.requests.filter(({ method }) => method === "POST");
  }

  /** Ends all connections and listens no more. */
  async close(): Promise<void> {
    for (const response of this.#hanging) response.destroy();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = await readAll(request);
    const { method = "", url = "/", headers } = request;
    const received: Received = { method, path: url, headers, ids: [], bytes: bytes.length };
    this.requests.push(received);
    if (method !== "POST") return void response.writeHead(204).end();
    if (this.token !== undefined && headers.authorization !== `Bearer ${this.token}`) {
      return answer(response, 401, { message: "unknown token" });
    }
    const gzip = headers["content-encoding"] === "gzip";
    if (gzip && !this.takesGzip) return answer(response, 415, { message: "no gzip here" });
    const rows = rowsOf(gzip ? gunzipSync(bytes) : bytes);
    received.ids = rows.map(({ id }) => id);

    const fault = this.faults.shift() ?? this.nextFault();
    if (fault?.kind === "hang") return void this.#hanging.add(response);
    if (fault?.kind === "reset") return void response.destroy();
    if (fault?.kind === "status") return answer(response, fault.status, fault.body, fault.headers);
    if (rows.length > this.maxRows || bytes.length > this.maxBytes) return answer(response, 413);
    const poisonous = rows.find(({ id }) => this.poison.has(id));
    if (poisonous) {
      const { status, body } = this.poison.get(poisonous.id)!;
      return answer(response, status, body);
    }
    this.#apply(rows, response, fault);
  }

  #apply(rows: readonly StoredRow[], response: ServerResponse, fault: Fault | undefined): void {
    const taken = fault?.kind === "partial" ? rows.filter(({ id }) => fault.takes(id)) : rows;
    this.#store(taken);
    const accepted = taken.map(({ id }) => id);
    if (fault?.kind === "duplicate") this.#store(taken);
    if (fault?.kind === "reset-after-apply") return void response.destroy();
    if (fault?.kind === "half-written") {
      const whole = JSON.stringify({ accepted, rejected: [] });
      response.writeHead(200, {
        "content-type": "application/json",
        "content-length": whole.length,
      });
      return void response.write(whole.slice(0, whole.length / 2), () => response.destroy());
    }
    if (fault?.kind === "answer") {
      return void response.writeHead(fault.status ?? 200, fault.headers ?? {}).end(fault.body);
    }
    const delayMs = fault?.kind === "slow" ? fault.ms : 0;
    const reply = () =>
      this.names || fault?.kind === "partial"
        ? answer(response, 200, { accepted, rejected: [] })
        : response.writeHead(204).end();
    if (delayMs > 0) setTimeout(reply, delayMs);
    else reply();
  }

  #store(rows: readonly StoredRow[]): void {
    for (const row of rows) {
      this.rows.set(row.id, row);
      this.deliveries.set(row.id, (this.deliveries.get(row.id) ?? 0) + 1);
    }
  }
}

async function readAll(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

function rowsOf(bytes: Uint8Array): StoredRow[] {
  const body: unknown = JSON.parse(new TextDecoder().decode(bytes));
  // An endpoint with an envelope keeps its rows in some member.
  const list = Array.isArray(body) ? body : Object.values(body as object).find(Array.isArray);
  return list as StoredRow[];
}

function answer(
  response: ServerResponse,
  status: number,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(body === undefined ? "" : JSON.stringify(body));
}
