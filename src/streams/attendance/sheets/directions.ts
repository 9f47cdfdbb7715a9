/**
 * Keeps with each punch whether it is an entry or an exit. One that comes in order is decided as it is stored. What
 * comes late, and a device's new role, put persons into a queue; their punches are decided again in slices:
 *
 *     stored   in   out         in   out        a backlog brings a punch
 *     queue              since ─┴──►            decided again, until nothing changes any more
 *
 * @module
 */
import {
  type Clock,
  every,
  type Id,
  type Instant,
  logger,
  msOf,
  Notifier,
} from "../../../core/mod.ts";
import type { RawRow, Statement, Store } from "../../../store/mod.ts";
import type { People } from "../storage/people.ts";
import type { ParsedPunch, RecordSource } from "../storage/parsed.ts";
import {
  alternate,
  type Decision,
  type Direction,
  type DirectionSource,
  saidDirection,
} from "./direction.ts";
import { DirectionQueue, EVERYONE, FOREVER, type QueueEntry } from "./direction_queue.ts";
import { COUNTS, type LastPunch, LastPunches } from "./last_punches.ts";
import { Statuses, type StatusSender } from "./statuses.ts";

/** A device, as far as the directions of its punches need it. */
export interface DirectingDevice extends DirectionSource, StatusSender {
  /** By what the directions of its stored punches were decided; null before they were. */
  punchesDecidedBy: string | null;
}

export interface DirectionsOptions {
  people: People;
  devices: { find(sn: string): DirectingDevice | undefined; all(): Iterable<DirectingDevice> };
  clock: Clock;
  maxStayMs: number;
  /** Stored punches have another direction now, `settled` of which were in the cloud; called inside `write`. */
  changed: (ids: readonly Id[], settled: number) => void;
  /** Stored punches have another direction now; called after the commit. */
  onChange: () => void;
}

/** What a punch that may be new would be. */
export interface NewDirection {
  person: string;
  at: Instant;
  atMs: number;
  /** Undefined where it waits for what lies before it, and where its time cannot be right and nothing says it. */
  decision: Decision | undefined;
  /** Where it lies among the person's punches: a time that cannot be right has no place. */
  place: "last" | "before others" | "none";
}

/** How often devices are compared with what their punches were decided by. */
const REVIEW_MS = 10_000;
/** Punches of one write: about 2 ms. */
const PAGE_ROWS = 100;
const PERSONS_PER_WRITE = 50;
const MAX_STAY_KEY = "attendance.max_stay_ms";

/** A device that is not known any more. */
const UNKNOWN: DirectionSource = { role: null, sendsStatus: false };

export class Directions {
  readonly #store: Store;
  readonly #options: DirectionsOptions;
  readonly #queue: DirectionQueue;
  readonly #last: LastPunches;
  readonly #statuses: Statuses;
  readonly #wake = new Notifier();
  readonly #page: Statement;
  readonly #update: Statement;
  readonly #nextPerson: Statement;
  readonly #firstOfDevice: Statement;
  readonly #setDecidedBy: Statement;

  constructor(store: Store, options: DirectionsOptions) {
    const { db } = store;
    this.#store = store;
    this.#options = options;
    this.#queue = new DirectionQueue(store);
    this.#last = new LastPunches(store, options.people);
    this.#statuses = new Statuses(store);
    this.#page = db.prepare(
      `SELECT seq, id, device_sn, punched_at, in_out, direction, direction_by, (${COUNTS}) AS counts,
         synced_at IS NOT NULL AND rejected_at IS NULL AS settled
       FROM device_logs INDEXED BY device_logs_person
       WHERE person_id = ? AND (punched_at, seq) > (?, ?) ORDER BY punched_at, seq LIMIT ${PAGE_ROWS}`,
    );
    this.#update = db.prepare(
      "UPDATE device_logs SET direction = ?, direction_by = ?, synced_at = NULL WHERE seq = ?",
    );
    this.#nextPerson = db.prepare(
      `SELECT person_id FROM device_logs INDEXED BY device_logs_person WHERE person_id > ?
       ORDER BY person_id LIMIT 1`,
    );
    this.#firstOfDevice = db.prepare(
      "SELECT min(punched_at) AS at FROM device_logs INDEXED BY device_logs_device WHERE device_sn = ?",
    );
    this.#setDecidedBy = db.prepare("UPDATE devices SET statuses = ?, decided_by = ? WHERE sn = ?");
  }

  /** A device sends these; called inside the `write` that stores them, before they are decided. */
  noteStatuses(device: RecordSource, punches: readonly ParsedPunch[]): void {
    if (this.#statuses.note(device, punches)) this.#store.afterCommit(() => this.#wake.notify());
  }

  /** The direction of a punch that may be new; `stored` has to follow where it is. Called inside `write`. */
  decide(
    { personId, at, suspect, inOut }: Pick<ParsedPunch, "personId" | "at" | "suspect" | "inOut">,
    source: DirectionSource,
  ): NewDirection {
    const said = saidDirection(source, inOut);
    const person = this.#options.people.personOf(personId);
    const atMs = msOf(at);
    if (suspect) return { person, at, atMs, decision: said, place: "none" };
    const last = this.#last.of(person);
    if (last && (!isDecided(last) || atMs < last.atMs)) {
      return { person, at, atMs, decision: said, place: "before others" };
    }
    const decision = said ?? alternate(atMs, last ?? undefined, this.#options);
    return { person, at, atMs, decision, place: "last" };
  }

  /** The punch was new and is stored; called inside the same `write`. */
  stored({ person, at, atMs, decision, place }: NewDirection): void {
    if (place === "before others") this.redecide(person, at, at);
    if (place === "last" && decision) {
      this.#last.set(person, { atMs, direction: decision.direction });
    }
  }

  /**
   * Has a person's punches from one instant to another decided again, and those behind them as far as they change;
   * called inside the `write` that changes what they are decided by: a late punch, a correction, an alias.
   */
  redecide(personId: string, since: Instant, until: Instant = FOREVER): void {
    const person = this.#options.people.personOf(personId);
    this.#last.forget(person);
    this.#queue.add({ person, since, until });
    this.#store.afterCommit(() => this.#wake.notify());
  }

  /** Compares devices now with what their punches were decided by. */
  review(): void {
    this.#wake.notify();
  }

  /** A write was undone: what is remembered may not be stored. */
  undone(): void {
    this.#last.forgetAll();
  }

  /** Decides again what is queued, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const name = "attendance directions";
    await every(REVIEW_MS, () => this.#work(signal), { signal, clock, name, wake: this.#wake });
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { devices, maxStayMs, onChange } = this.#options;
    for (const device of devices.all()) {
      await this.#statuses.read(device, signal);
      if (signal.aborted) return;
      if (device.punchesDecidedBy !== decidedBy(device)) await this.#applyTo(device);
    }
    if (this.#store.meta(MAX_STAY_KEY) !== String(maxStayMs)) {
      await this.#store.write(() => {
        this.redecide(EVERYONE, "");
        this.#store.setMeta(MAX_STAY_KEY, String(maxStayMs));
      });
    }
    let changed = 0;
    for (let entry; !signal.aborted && (entry = this.#queue.next());) {
      if (entry.person === EVERYONE) await this.#spread(entry, signal);
      else changed += await this.#decideAgain(entry, signal);
    }
    if (changed === 0) return;
    logger("attendance").info("The direction of {changed} punches was decided again", { changed });
    onChange();
  }

  /** A device tells directions in another way than it did: all that came since its first punch is decided again. */
  async #applyTo(device: DirectingDevice): Promise<void> {
    const { sn, statuses } = device;
    const by = decidedBy(device);
    await this.#store.write(() => {
      const first = this.#firstOfDevice.get(sn)?.at;
      if (typeof first === "string") this.redecide(EVERYONE, first);
      this.#setDecidedBy.run(statuses, by, sn);
      this.#store.afterCommit(() => device.punchesDecidedBy = by);
    });
  }

  /** Puts every person into the queue who ever punched. */
  async #spread(entry: QueueEntry, signal: AbortSignal): Promise<void> {
    let id = "";
    for (let more = true; more && !signal.aborted;) {
      await this.#store.write(() => {
        for (let count = 0; more && count < PERSONS_PER_WRITE; count++) {
          const row = this.#nextPerson.get(id);
          more = row !== undefined;
          if (!row) this.#queue.remove(entry);
          else {
            id = String(row.person_id);
            this.redecide(id, entry.since, entry.until);
          }
        }
      });
      await pause();
    }
  }

  /** @returns how many punches have another direction now */
  async #decideAgain(entry: QueueEntry, signal: AbortSignal): Promise<number> {
    const { person, since, until } = entry;
    let place = { at: since, seq: 0 };
    let last = this.#last.before(person, since);
    let changed = 0;
    for (let more = true; more && !signal.aborted;) {
      await this.#store.write(() => {
        const rows = this.#punchesAfter(person, place);
        const page = this.#decidePage(rows, { last, until });
        last = page.last;
        changed += page.changed;
        more = rows.length === PAGE_ROWS && !page.settled;
        const end = rows.at(-1);
        if (end) place = { at: String(end.punched_at), seq: Number(end.seq) };
        if (!more) this.#queue.remove(entry);
        this.#last.forget(person);
      });
      if (more) await pause();
    }
    return changed;
  }

  /** Stores the directions that have changed; `settled` where none behind them can change. */
  #decidePage(
    rows: readonly RawRow[],
    { last, until }: { last: LastPunch | null; until: Instant },
  ): { last: LastPunch | null; changed: number; settled: boolean } {
    const ids: Id[] = [];
    let synced = 0;
    let settled = false;
    for (const row of rows) {
      if (settled) break;
      const { direction = null, by = null } = this.#decisionOf(row, last) ?? {};
      if (row.counts === 1 && direction) {
        last = { atMs: msOf(String(row.punched_at)), direction };
        settled = String(row.punched_at) > until && row.direction === direction;
      }
      if (row.direction === direction && row.direction_by === by) continue;
      this.#update.run(direction, by, Number(row.seq));
      ids.push(String(row.id));
      synced += Number(row.settled);
    }
    if (ids.length > 0) this.#options.changed(ids, synced);
    return { last, changed: ids.length, settled };
  }

  #decisionOf(row: RawRow, last: LastPunch | null): Decision | undefined {
    if (row.direction_by === "person") {
      return { direction: row.direction as Direction, by: "person" };
    }
    const source = this.#options.devices.find(String(row.device_sn)) ?? UNKNOWN;
    const said = saidDirection(source, row.in_out === null ? null : Number(row.in_out));
    if (said || row.counts !== 1) return said;
    const before = last && isDecided(last) ? last : undefined;
    return alternate(msOf(String(row.punched_at)), before, this.#options);
  }

  /** A person's next punches, in the order of time. */
  #punchesAfter(person: string, { at, seq }: { at: Instant; seq: number }): RawRow[] {
    const ids = this.#options.people.idsOf(person);
    const rows = ids.flatMap((id) => this.#page.all(id, at, seq));
    return ids.length === 1 ? rows : rows.sort(byTime).slice(0, PAGE_ROWS);
  }
}

/** What the directions of a device's punches are decided by. */
function decidedBy({ role, sendsStatus }: DirectionSource): string {
  if (role === "entrance" || role === "exit") return role;
  return sendsStatus ? "status" : "alternation";
}

function isDecided(last: LastPunch): last is { atMs: number; direction: Direction } {
  return last.direction !== undefined;
}

function byTime(a: RawRow, b: RawRow): number {
  const [first, second] = [String(a.punched_at), String(b.punched_at)];
  return first < second ? -1 : first > second ? 1 : Number(a.seq) - Number(b.seq);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
