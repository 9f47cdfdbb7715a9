/**
 * A machine with records: its own database file, the real stream, engine and Supabase remote, in this process.
 * @module
 */
import {
  type Clock,
  Hub,
  type Json,
  type JsonObject,
  Problem,
  Readers,
  systemClock,
  Warnings,
} from "../../src/core/mod.ts";
import type { Supabase, SupabaseRemoteOptions } from "../../src/remotes/supabase/mod.ts";
import { Store } from "../../src/store/mod.ts";
import { createRecords, migrations, type RecordsStream } from "../../src/streams/records/mod.ts";
import type { LaneStatus } from "../../src/contract/sync.ts";
import { SyncEngine } from "../../src/sync/mod.ts";
import type { Cloud } from "./servers/cloud.ts";
import { streamDeps } from "./stream_deps.ts";
import { supabaseOn } from "./servers/supabase.ts";
import { tempDir } from "./temp.ts";

export interface MachineOptions {
  /** Machines of one system share their records. */
  systemId?: string;
  clock?: Clock;
  tombstoneDays?: number;
  realtime?: boolean;
  /** How long a request may take. */
  timeoutMs?: number;
  tables?: readonly { name: string; key?: string }[];
  supabase?: Partial<SupabaseRemoteOptions>;
}

const TABLES: NonNullable<MachineOptions["tables"]> = [
  { name: "projects" },
  { name: "tasks" },
  { name: "results" },
];

export class Machine implements AsyncDisposable {
  readonly hub = new Hub();
  readonly warnings: Warnings;
  readonly clock: Clock;
  /** What came from the cloud, as `/stream` would tell it: `tasks/t1`. */
  readonly news: string[] = [];
  /** Whether Realtime works. */
  live = false;
  store!: Store;
  records!: RecordsStream;
  engine!: SyncEngine;
  readonly #dir = tempDir();
  readonly #cloud: Cloud;
  readonly #options: MachineOptions;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(cloud: Cloud, options: MachineOptions = {}) {
    this.#cloud = cloud;
    this.#options = options;
    this.clock = options.clock ?? systemClock;
    this.warnings = new Warnings({ clock: this.clock });
    this.hub.subscribe(({ topic, data }) => {
      const { table, record, origin } = data as {
        table: string;
        record: { id: string };
        origin: string;
      };
      if (topic === "records" && origin === "cloud") this.news.push(`${table}/${record.id}`);
    });
    this.#open();
  }

  /** One round of the sync. */
  async sync(): Promise<void> {
    await this.engine.now("records");
  }

  /** Ends the agent, as a kill would leave it, and starts it anew. */
  async restart(): Promise<void> {
    await this.#close();
    this.#open();
  }

  async put(table: string, id: string, fields: JsonObject): Promise<JsonObject> {
    return await this.#call("PUT", table, id, fields);
  }

  async patch(table: string, id: string, fields: JsonObject): Promise<JsonObject> {
    return await this.#call("PATCH", table, id, fields);
  }

  async remove(table: string, id: string): Promise<JsonObject> {
    return await this.#call("DELETE", table, id);
  }

  /** A record as the API answers it; undefined when there is none. */
  async get(table: string, id: string): Promise<JsonObject | undefined> {
    try {
      return await this.#call("GET", table, id);
    } catch (error) {
      if (error instanceof Problem) return undefined;
      throw error;
    }
  }

  /** Every record that is not deleted, by table and id. */
  all(): Record<string, Json> {
    const rows = this.store.db.prepare(
      "SELECT table_name, record_id, data FROM records WHERE deleted_at IS NULL ORDER BY 1, 2",
    ).all();
    return Object.fromEntries(
      rows.map((row) => [
        `${row.table_name}/${row.record_id}`,
        JSON.parse(String(row.data)) as Json,
      ]),
    );
  }

  get conflicts(): { kind: string; winner: string; record_id: string }[] {
    return this.store.db.prepare(
      "SELECT kind, winner, record_id FROM sync_conflicts ORDER BY id",
    ).all().map(({ kind, winner, record_id }) => ({
      kind: String(kind),
      winner: String(winner),
      record_id: String(record_id),
    }));
  }

  get lane(): LaneStatus {
    return this.engine.status().lanes[0]!;
  }

  get waiting(): number {
    return this.lane.rows_waiting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    this.#dir[Symbol.dispose]();
  }

  #open(): void {
    const { clock, hub, warnings } = this;
    const { systemId = "pc-1", realtime = false, tables = TABLES } = this.#options;
    this.store = new Store(`${this.#dir.path}/clockblock.db`, { migrations, clock });
    this.records = createRecords({
      ...streamDeps(this.store, {
        hub,
        warnings,
        clock,
        systemId,
        clockOffsetMs: () => this.engine.clockOffsetMsOf("records"),
        realtime: (table) => remote.realtime(table),
      }),
      tombstoneDays: this.#options.tombstoneDays ?? 90,
    }, { records: { tables, sync_interval_sec: 3_600 } });
    const remote: Supabase = supabaseOn(this.#cloud, {
      systemId,
      clock,
      realtime,
      recordKeys: Object.fromEntries(tables.map(({ name, key = "id" }) => [name, key])),
      onRealtime: (connected) => this.live = connected,
      ...this.#options.supabase,
    });
    const { outbox, inbox, schedule, reset } = this.records;
    this.engine = new SyncEngine({
      store: this.store,
      lanes: [{ name: "records", outbox: outbox!, inbox, schedule: schedule!, remote, reset }],
      warnings,
      hub,
      clock,
      networkInterfaces: () => [],
      timeoutMs: this.#options.timeoutMs ?? 10_000,
    });
    this.#stop = new AbortController();
    this.#running = this.engine.run(this.#stop.signal);
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.store.close();
  }

  async #call(method: string, table: string, id: string, body?: JsonObject): Promise<JsonObject> {
    const route = this.records.routes!.find((each) =>
      each.method === method && each.path === "/records/{table}/{id}"
    )!;
    const answer = await route.handle({
      params: { table, id },
      query: {},
      body,
      raw: new Request(`http://127.0.0.1/records/${table}/${encodeURIComponent(id)}`),
      text: () => Promise.resolve(""),
      bytes: () => Promise.resolve(new Uint8Array()),
      closing: new AbortController().signal,
      readers: new Readers(),
    });
    return (method === "PUT" ? (answer as { answer: JsonObject }).answer : answer) as JsonObject;
  }
}
