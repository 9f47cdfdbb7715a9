/**
 * The punches: stored once however often a device sends them, listed newest first, and waiting for the cloud.
 * What makes a punch the same punch is the device, the person and the device's own time; nothing else that a device
 * sends is stable between two transmissions.
 * @module
 */
import { hash } from "node:crypto";
import type { Punch } from "../../../contract/attendance.ts";
import { type Hub, type Instant, instantOf, type Row } from "../../../core/mod.ts";
import {
  type RawRow,
  type Statement,
  type Store,
  type TableOutbox,
  tableOutbox,
} from "../../../store/mod.ts";
import type { Directions } from "../sheets/directions.ts";
import type { ParsedPunch, RecordSource } from "./parsed.ts";
import type { People } from "./people.ts";
import { nameIn } from "./person_name.ts";
import type { WallTime } from "./time.ts";

export interface PunchOrigin {
  device: RecordSource;
  receivedMs: number;
  /** Whether it comes from the device's own address: else names are not taken. */
  believed?: boolean;
}

export interface PunchQuery {
  device?: string | undefined;
  person?: string | undefined;
  /** `[from, to)`. */
  from?: Instant | undefined;
  to?: Instant | undefined;
}

/** A place in the list; punches of the same millisecond lie in the order of their arrival. */
export interface Position {
  punchedAt: Instant;
  seq: number;
}

const COLUMNS = `seq, id, device_sn, person_id, punched_at, device_time, time_zone, received_at,
  skew_ms, time_suspect, mode, in_out, event, direction, direction_by, raw, synced_at,
  struck_by IS NOT NULL AS struck, added_by,
  (SELECT name FROM people WHERE people.person_id = coalesce(
    (SELECT person_id FROM person_aliases WHERE alias = device_logs.person_id),
    device_logs.person_id)) AS person_name`;

/** Columns that are read of what is sent to the cloud. */
const SENT = [
  "device_sn",
  "person_id",
  "punched_at",
  "device_time",
  "time_zone",
  "mode",
  "in_out",
  "event",
  "raw",
  "direction",
  "direction_by",
  "struck_by",
  "added_by",
];

/** Punches published for one write: of a backlog, the last. */
const MAX_PUBLISHED = 100;

export class Punches {
  readonly outbox: TableOutbox;
  lastReceivedAt: Instant | null;
  readonly #store: Store;
  readonly #hub: Hub;
  readonly #directions: Directions;
  readonly #people: People;
  readonly #insert: Statement;
  /** By their SQL. */
  readonly #lists = new Map<string, Statement>();

  constructor(
    store: Store,
    { hub, directions, people }: { hub: Hub; directions: Directions; people: People },
  ) {
    const { db } = store;
    this.#store = store;
    this.#hub = hub;
    this.#directions = directions;
    this.#people = people;
    this.outbox = tableOutbox(store, {
      stream: "attendance",
      table: "device_logs",
      remoteTable: "punches",
      index: "device_logs_waiting",
      key: "seq",
      columns: SENT,
      row: (raw) => sent(raw, people),
      instant: "received_at",
    });
    const last = db.prepare("SELECT received_at FROM device_logs ORDER BY seq DESC LIMIT 1").get();
    this.lastReceivedAt = last ? String(last.received_at) : null;
    this.#insert = db.prepare(
      `INSERT INTO device_logs (id, device_sn, person_id, device_time, time_zone, punched_at, received_at,
         skew_ms, time_suspect, mode, in_out, event, direction, direction_by, raw)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
  }

  /**
   * Stores punches that are not known yet; called inside `write`.
   * @returns how many were new, and the device's time of one among them that cannot be right
   */
  add(
    punches: readonly ParsedPunch[],
    origin: PunchOrigin,
  ): { added: number; suspect: WallTime | undefined } {
    const { device, receivedMs, believed } = origin;
    const { sn, skewMs, zone: { name: timeZone } } = device;
    device.readZone ??= timeZone;
    this.#directions.noteStatuses(device, punches);
    const receivedAt = instantOf(receivedMs);
    const news: Punch[] = [];
    let added = 0;
    let wrong: WallTime | undefined;
    for (const punch of punches) {
      const { personId, deviceTime, at, suspect, mode, inOut, event, raw } = punch;
      const id = punchId(sn, personId, deviceTime);
      const decided = this.#directions.decide(punch, device);
      const { direction = null, by = null } = decided.decision ?? {};
      // deno-fmt-ignore
      const { changes } = this.#insert.run(
        id, sn, personId, deviceTime, timeZone, at, receivedAt,
        skewMs, suspect ? 1 : 0, mode, inOut, event, direction, by, raw,
      );
      if (changes === 0) continue;
      this.#directions.stored(decided);
      added++;
      this.#people.seen(personId, { sn, name: believed ? nameIn(raw) : null });
      if (suspect) wrong = deviceTime;
      if (added > punches.length - MAX_PUBLISHED) {
        news.push({
          id,
          device_sn: sn,
          person_id: personId,
          person_name: this.#people.nameOf(personId) ?? nameIn(raw),
          punched_at: at,
          device_time: deviceTime,
          time_zone: timeZone,
          received_at: receivedAt,
          skew_ms: skewMs,
          time_suspect: suspect,
          mode,
          in_out: inOut,
          event,
          direction,
          direction_by: by,
          struck: false,
          added_by: null,
          raw,
          synced_at: null,
        });
      }
    }
    if (added === 0) return { added, suspect: undefined };
    this.outbox.added(added);
    this.#store.afterCommit(() => {
      this.lastReceivedAt = receivedAt;
      for (const punch of news) this.#hub.publish("punches", punch);
      this.#hub.publish("presence", { changed_at: receivedAt });
    });
    return { added, suspect: wrong };
  }

  /** A write that called `add` was undone. */
  undone(): void {
    this.#directions.undone();
  }

  /** Punches, newest first, before one place and not before another, as many as are taken. */
  *list(
    { device, person, from, to }: PunchQuery,
    { before, until }: { before: Position | undefined; until: Position | undefined },
  ): Generator<{ at: Position; punch: Punch }> {
    const first = before ?? { punchedAt: "9999", seq: Number.MAX_SAFE_INTEGER };
    const last = until ?? { punchedAt: "", seq: 0 };
    const bounds = [
      ...(device === undefined ? [] : [device]),
      // One of them is the end that the index is read to.
      from !== undefined && from > last.punchedAt ? from : last.punchedAt,
      to ?? "9999",
      first.punchedAt,
      first.seq,
      last.punchedAt,
      last.seq,
    ];
    const ids = person === undefined ? [] : this.#people.idsOf(this.#people.personOf(person));
    const values = ids.length === 0 ? bounds : ids.flatMap((id) => [id, ...bounds]);
    const rows = this.#listing(ids.length, device !== undefined).iterate(...values);
    for (const row of rows) {
      yield {
        at: { punchedAt: String(row.punched_at), seq: Number(row.seq) },
        punch: asPunch(row),
      };
    }
  }

  /** The newest first; the punches of several ids are merged from one list an id. */
  #listing(ids: number, ofDevice: boolean): Statement {
    const index = ids > 0 ? "person" : ofDevice ? "device" : "time";
    const list = `SELECT ${COLUMNS} FROM device_logs INDEXED BY device_logs_${index}
      WHERE ${ids > 0 ? "person_id = ? AND" : ""} ${ofDevice ? "device_sn = ? AND" : ""}
        punched_at >= ? AND punched_at < ? AND (punched_at, seq) < (?, ?)
        AND (punched_at, seq) >= (?, ?)`;
    const lists = Array.from({ length: Math.max(1, ids) }, () => list).join(" UNION ALL ");
    const sql = `${lists} ORDER BY punched_at DESC, seq DESC`;
    const statement = this.#lists.get(sql) ?? this.#store.db.prepare(sql);
    this.#lists.set(sql, statement);
    return statement;
  }
}

/** As the cloud gets it. Every row has a text `id`. */
function sent({ seq: _, struck_by, ...columns }: RawRow, people: People): Row {
  const person_name = people.nameOf(String(columns.person_id)) ?? nameIn(String(columns.raw));
  return { ...columns, struck: struck_by !== null, person_name } as unknown as Row;
}

/** The same for the same punch for ever, on this machine and in the cloud. */
export function punchId(sn: string, personId: string, deviceTime: string): string {
  return hash("sha256", `v1|${sn}|${personId}|${deviceTime}`, "hex");
}

function asPunch(row: RawRow): Punch {
  const { seq: _, time_suspect, struck, ...columns } = row;
  // The columns are those of COLUMNS, with the types of the table.
  const punch = columns as unknown as Omit<Punch, "time_suspect" | "struck">;
  const person_name = punch.person_name ?? nameIn(punch.raw);
  return { ...punch, person_name, time_suspect: time_suspect === 1, struck: struck === 1 };
}
