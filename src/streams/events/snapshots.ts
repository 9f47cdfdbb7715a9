/** Snapshots of the application's state; after a crash it reads the newest. @module */
import {
  type Clock,
  type Instant,
  instantOf,
  isJsonObject,
  type JsonObject,
  parseLossless,
} from "../../core/mod.ts";
import type { Statement, Store } from "../../store/mod.ts";
import { instantOfText } from "./notation.ts";

export interface Snapshot {
  ts: Instant;
  state: JsonObject;
}

/** Snapshots of a mode. */
const MAX_KEPT = 100;

export class Snapshots {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #insert: Statement;
  readonly #prune: Statement;
  readonly #newest: Statement;

  constructor(store: Store, { clock }: { clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
    const { db } = store;
    this.#insert = db.prepare(
      "INSERT INTO local_state_snapshots (mode, ts, state_json) VALUES (?, ?, ?)",
    );
    this.#prune = db.prepare(
      `DELETE FROM local_state_snapshots WHERE mode = ?1 AND id <= (
         SELECT id FROM local_state_snapshots WHERE mode = ?1 ORDER BY id DESC LIMIT 1 OFFSET ${MAX_KEPT})`,
    );
    this.#newest = db.prepare(
      "SELECT ts, state_json FROM local_state_snapshots WHERE mode = ? ORDER BY id DESC LIMIT 1",
    );
  }

  /** Stores a state; resolves with its time once it is committed. */
  put(mode: string, state: JsonObject): Promise<Instant> {
    const json = JSON.stringify(state);
    return this.#store.write(() => {
      const ts = instantOf(this.#clock.now());
      this.#insert.run(mode, ts, json);
      this.#prune.run(mode);
      return ts;
    });
  }

  /** The newest snapshot; undefined when it is no JSON object, which another program may write. */
  newest(mode: string): Snapshot | undefined {
    const row = this.#newest.get(mode);
    if (!row) return undefined;
    const ts = String(row.ts);
    try {
      const state = parseLossless(String(row.state_json));
      if (isJsonObject(state)) return { ts: instantOfText(ts) ?? ts, state };
    } catch {
      // No JSON.
    }
    return undefined;
  }
}
