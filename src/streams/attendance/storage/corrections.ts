/**
 * Corrections of punches by a person: a punch added, struck out, or restored, with who did it and why. They are only
 * ever added. A struck punch stays where it is and does not count; an added one is a punch like any other, that names
 * its correction.
 * @module
 */
import type { Correction } from "../../../contract/attendance.ts";
import { type Clock, type Hub, idSource, type Instant, instantOf } from "../../../core/mod.ts";
import {
  inSlices,
  type RawRow,
  type Statement,
  type Store,
  type TableOutbox,
  tableOutbox,
} from "../../../store/mod.ts";
import type { Directions } from "../sheets/directions.ts";
import { type Punches, punchId } from "./punches.ts";
import type { Zone } from "./time.ts";

export interface CorrectionsOptions {
  clock: Clock;
  hub: Hub;
  punches: Punches;
  directions: Directions;
}

export interface Author {
  by: string;
  reason: string;
}

export interface AddedPunch {
  sn: string;
  personId: string;
  /** Wall time in the zone. */
  wall: string;
  at: Instant;
  zone: Zone;
  direction: "in" | "out" | null;
}

export interface CorrectionQuery {
  person?: readonly string[] | undefined;
  /** Of the punches' times, `[from, to)`. */
  from?: Instant | undefined;
  to?: Instant | undefined;
}

export interface CorrectionPosition {
  punchedAt: Instant;
  id: string;
}

export class CorrectionRefused extends Error {
  override readonly name = "CorrectionRefused";

  constructor(readonly kind: "unknown" | "conflict", message: string) {
    super(message);
  }
}

/** What the cloud gets of a correction besides its id. */
const SENT = [
  "kind",
  "punch_id",
  "person_id",
  "punched_at",
  "direction",
  "reason",
  "made_by",
  "created_at",
];

/** Rows looked at in one step of a search: about 1 ms. */
const SEARCH_ROWS = 1_000;

export class Corrections {
  readonly outbox: TableOutbox;
  readonly #store: Store;
  readonly #options: CorrectionsOptions;
  readonly #newId: () => string;
  readonly #insert: Statement;
  readonly #addPunch: Statement;
  readonly #taken: Statement;
  readonly #find: Statement;
  readonly #last: Statement;
  readonly #punch: Statement;
  readonly #strike: Statement;
  readonly #list: Statement;
  readonly #listOfPerson: Statement;

  constructor(store: Store, options: CorrectionsOptions) {
    const { db } = store;
    this.#store = store;
    this.#options = options;
    this.#newId = idSource(options.clock);
    this.outbox = tableOutbox(store, {
      stream: "attendance",
      table: "punch_corrections",
      remoteTable: "punch_corrections",
      index: "punch_corrections_waiting",
      columns: SENT,
      instant: "created_at",
    });
    this.#insert = db.prepare(
      `INSERT INTO punch_corrections
         (id, kind, punch_id, person_id, punched_at, direction, reason, made_by, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#addPunch = db.prepare(
      `INSERT INTO device_logs (id, device_sn, person_id, device_time, time_zone, punched_at, received_at,
         direction, direction_by, raw, added_by)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?)`,
    );
    this.#taken = db.prepare(
      `SELECT struck_by FROM device_logs WHERE device_sn = ? AND device_time = ? AND person_id = ?`,
    );
    // By id alone, which has no index: the newest first, since what is corrected is nearly always recent.
    this.#find = db.prepare("SELECT seq FROM device_logs WHERE seq > ? AND seq <= ? AND id = ?");
    this.#last = db.prepare("SELECT max(seq) AS seq FROM device_logs");
    this.#punch = db.prepare(
      `SELECT person_id, punched_at, direction, struck_by,
         synced_at IS NOT NULL AND rejected_at IS NULL AS settled
       FROM device_logs WHERE seq = ? AND id = ?`,
    );
    this.#strike = db.prepare(
      "UPDATE device_logs SET struck_by = ?, synced_at = NULL WHERE seq = ?",
    );
    const list = (condition: string) =>
      db.prepare(
        `SELECT id, kind, punch_id, person_id, punched_at, direction, reason, made_by, created_at, synced_at
         FROM punch_corrections
         WHERE ${condition} punched_at >= ? AND punched_at < ? AND (punched_at, id) < (?, ?)
           AND (punched_at, id) >= (?, ?)
         ORDER BY punched_at DESC, id DESC`,
      );
    this.#list = list("");
    this.#listOfPerson = list("person_id IN (SELECT value FROM json_each(?)) AND");
  }

  /**
   * Adds a punch.
   * @throws {CorrectionRefused} when it is there already
   */
  async add(punch: AddedPunch, author: Author): Promise<Correction> {
    const { sn, personId, wall, at, zone, direction } = punch;
    const id = punchId(sn, personId, wall);
    const { clock, punches } = this.#options;
    return await this.#store.write(() => {
      const taken = this.#taken.get(sn, wall, personId);
      if (taken) {
        throw new CorrectionRefused(
          "conflict",
          taken.struck_by === null
            ? `punch ${id} of this person, time and device is there already`
            : `punch ${id} of this person, time and device is there and was struck out: restore it`,
        );
      }
      const about = { punch_id: id, person_id: personId, punched_at: at };
      const correction = this.#keep({ kind: "add", ...about, direction }, author);
      const by = direction === null ? null : "person";
      const now = instantOf(clock.now());
      // deno-fmt-ignore
      this.#addPunch.run(id, sn, personId, wall, zone.name, at, now, direction, by, correction.id);
      punches.outbox.added(1);
      return correction;
    }, { durable: true });
  }

  /**
   * Strikes a punch out, or restores one that was.
   * @throws {CorrectionRefused} when there is no such punch, or it is so already
   */
  async decide(kind: "strike" | "restore", id: string, author: Author): Promise<Correction> {
    const seq = await this.#seqOf(id);
    const { punches } = this.#options;
    return await this.#store.write(() => {
      const punch = seq === undefined ? undefined : this.#punch.get(seq, id);
      if (seq === undefined || !punch) throw new CorrectionRefused("unknown", `no punch "${id}"`);
      if ((kind === "strike") !== (punch.struck_by === null)) {
        const state = kind === "strike" ? "is struck out already" : "is not struck out";
        throw new CorrectionRefused("conflict", `punch ${id} ${state}`);
      }
      const person_id = String(punch.person_id);
      const about = { punch_id: id, person_id, punched_at: String(punch.punched_at) };
      const correction = this.#keep({ kind, ...about, direction: null }, author);
      this.#strike.run(kind === "strike" ? correction.id : null, seq);
      punches.outbox.changed([id], Number(punch.settled));
      return correction;
    }, { durable: true });
  }

  /** By the time of their punches, newest first, as many as are taken. */
  *list(
    { person, from = "", to = "9999" }: CorrectionQuery,
    { before, until }: {
      before: CorrectionPosition | undefined;
      until: CorrectionPosition | undefined;
    },
  ): Generator<{ at: CorrectionPosition; correction: Correction }> {
    const first = before ?? { punchedAt: "9999", id: "" };
    const last = until ?? { punchedAt: "", id: "" };
    const place = [from, to, first.punchedAt, first.id, last.punchedAt, last.id];
    const rows = person === undefined
      ? this.#list.iterate(...place)
      : this.#listOfPerson.iterate(JSON.stringify(person), ...place);
    for (const row of rows) {
      const correction = asCorrection(row);
      yield { at: { punchedAt: correction.punched_at, id: correction.id }, correction };
    }
  }

  async #seqOf(id: string): Promise<number | undefined> {
    let found: number | undefined;
    let top = Number(this.#last.get()?.seq ?? 0);
    await inSlices((budget) => {
      while (budget.left() && found === undefined && top > 0) {
        const row = this.#find.get(top - SEARCH_ROWS, top, id);
        if (row) found = Number(row.seq);
        top -= SEARCH_ROWS;
      }
      return found === undefined && top > 0;
    });
    return found;
  }

  #keep(
    what: Omit<Correction, "id" | "reason" | "by" | "created_at" | "synced_at">,
    { by, reason }: Author,
  ): Correction {
    const { clock, hub, directions } = this.#options;
    const id = this.#newId();
    const created_at = instantOf(clock.now());
    const { kind, punch_id, person_id, punched_at, direction } = what;
    // deno-fmt-ignore
    this.#insert.run(id, kind, punch_id, person_id, punched_at, direction, reason, by, created_at);
    this.outbox.added(1);
    directions.redecide(person_id, punched_at, punched_at);
    const correction = { ...what, id, reason, by, created_at, synced_at: null };
    this.#store.afterCommit(() => {
      hub.publish("corrections", correction);
      hub.publish("presence", { changed_at: created_at });
    });
    return correction;
  }
}

function asCorrection({ made_by, ...columns }: RawRow): Correction {
  // The columns of the list, with the types of the table.
  return { ...columns, by: made_by } as unknown as Correction;
}
