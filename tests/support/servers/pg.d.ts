/**
 * What these tests use of the package `pg`. Its own types (`@types/pg`) bring Node's, which change the globals of
 * the whole program.
 * @module
 */
export interface ClientConfig {
  /** A host, or the folder of a unix socket. */
  host: string;
  database: string;
  user: string;
}

export interface QueryResult {
  rows: unknown[];
}

interface Queries {
  /** Of a text with many statements, one result each. */
  query(text: string, params?: unknown[]): Promise<QueryResult | QueryResult[]>;
  end(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): this;
}

export interface Client extends Queries {
  connect(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): this;
  on(event: "notification", listener: (message: { payload: string }) => void): this;
}

export interface Pool extends Queries {
  connect(): Promise<Client & { release(): void }>;
}

declare const pg: {
  Client: new (config: ClientConfig) => Client;
  Pool: new (config: ClientConfig) => Pool;
  types: {
    builtins: Record<"INT8" | "NUMERIC" | "DATE", number>;
    setTypeParser(type: number, parse: (text: string) => unknown): void;
  };
};
export default pg;
