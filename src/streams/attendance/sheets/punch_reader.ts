/**
 * Reads the punches that count, of everyone or of one person, each person's in the order of time; in slices, so that
 * a month of two hundred people holds the event loop for a few milliseconds at a time.
 * @module
 */
import { type Instant, instantOf, msOf } from "../../../core/mod.ts";
import { afterIo, sliceBudget, type Statement, type Store } from "../../../store/mod.ts";
import type { People } from "../storage/people.ts";
import type { SheetPunch } from "./day_sheets.ts";
import { alternate, type Direction, type DirectionSource, saidDirection } from "./direction.ts";
import { COUNTS } from "./last_punches.ts";

export interface PunchReaderOptions {
  people: People;
  devices: { find(sn: string): DirectionSource | undefined };
  maxStayMs: number;
}

export interface Span {
  fromMs: number;
  toMs: number;
  /** One person alone. */
  person?: string | undefined;
}

/** Rows read between two looks at the clock: about 1 ms. */
const PAGE_ROWS = 250;

const COLUMNS = [
  "person_id",
  "punched_at",
  "seq",
  "device_sn",
  "device_time",
  "time_zone",
  "in_out",
  "direction",
  "direction_by",
] as const;

/** A row as an array: an object without a prototype costs twice as much. */
type Values = readonly [
  personId: string,
  punchedAt: Instant,
  seq: number,
  deviceSn: string,
  deviceTime: string,
  timeZone: string,
  inOut: number | null,
  direction: Direction | null,
  directionBy: string | null,
];

export class PunchReader {
  readonly #options: PunchReaderOptions;
  readonly #all: Statement;
  readonly #ofPerson: Statement;

  constructor({ db }: Store, options: PunchReaderOptions) {
    this.#options = options;
    const page = (index: string, condition: string) =>
      db.prepare(
        `SELECT ${COLUMNS.join(", ")} FROM device_logs INDEXED BY ${index}
         WHERE ${condition} punched_at >= ? AND punched_at < ? AND (punched_at, seq) > (?, ?) AND ${COUNTS}
         ORDER BY punched_at, seq LIMIT ${PAGE_ROWS}`,
      );
    this.#all = page("device_logs_time", "");
    this.#ofPerson = page("device_logs_person", "person_id = ? AND");
    for (const statement of [this.#all, this.#ofPerson]) returnArrays(statement);
  }

  /** Person → punches in the order of time. */
  async read({ fromMs, toMs, person }: Span): Promise<Map<string, SheetPunch[]>> {
    const { people } = this.#options;
    const [from, to] = [instantOf(fromMs), instantOf(toMs)];
    const ids = person === undefined ? [undefined] : people.idsOf(person);
    const found = new Map<string, Values[]>();
    for (const id of ids) {
      for await (const rows of this.#pages(id, { from, to })) {
        for (const row of rows) {
          const owner = people.personOf(row[0]);
          const known = found.get(owner);
          if (known) known.push(row);
          else found.set(owner, [row]);
        }
      }
    }
    if (ids.length > 1) { for (const rows of found.values()) rows.sort(byTime); }
    const budget = new Turns();
    const punches = new Map<string, SheetPunch[]>();
    for (const [owner, rows] of found) {
      punches.set(owner, this.#directed(rows));
      await budget.turn();
    }
    return punches;
  }

  async *#pages(
    id: string | undefined,
    { from, to }: { from: Instant; to: Instant },
  ): AsyncGenerator<Values[]> {
    const statement = id === undefined ? this.#all : this.#ofPerson;
    const who = id === undefined ? [] : [id];
    const turns = new Turns();
    let place: readonly [Instant, number] = [from, 0];
    for (;;) {
      const rows = statement.all(...who, place[0], to, ...place) as unknown as Values[];
      yield rows;
      if (rows.length < PAGE_ROWS) return;
      const [, at, seq] = rows.at(-1)!;
      place = [at, seq];
      await turns.turn();
    }
  }

  /** Each with its direction; one that waits to be decided gets the one that it will have. */
  #directed(rows: readonly Values[]): SheetPunch[] {
    let before: SheetPunch | undefined;
    return rows.map(([, at, , deviceSn, deviceTime, timeZone, inOut, stored, by]) => {
      const atMs = msOf(at);
      const direction = stored ?? this.#undecided({ atMs, deviceSn, inOut }, before);
      before = { atMs, direction, deviceSn, deviceTime, timeZone, corrected: by === "person" };
      return before;
    });
  }

  #undecided(
    { atMs, deviceSn, inOut }: { atMs: number; deviceSn: string; inOut: number | null },
    before: SheetPunch | undefined,
  ): Direction {
    const { devices } = this.#options;
    const source = devices.find(deviceSn) ?? { role: null, sendsStatus: false };
    return (saidDirection(source, inOut) ?? alternate(atMs, before, this.#options)).direction;
  }
}

/** Gives the event loop to others whenever a slice is over. */
export class Turns {
  #budget = sliceBudget();

  async turn(): Promise<void> {
    if (this.#budget.left()) return;
    await new Promise<void>((resolve) => afterIo(resolve));
    this.#budget = sliceBudget();
  }
}

function byTime([, a, first]: Values, [, b, second]: Values): number {
  return a < b ? -1 : a > b ? 1 : first - second;
}

/** Has a statement return rows as arrays: the runtime can, its types do not say so yet. */
function returnArrays(statement: Statement): void {
  (statement as Statement & { setReturnArrays(on: boolean): void }).setReturnArrays(true);
}
