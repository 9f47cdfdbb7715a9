/**
 * Reads the punches that count, of everyone or of one person, each person's in the order of time; in slices, so that
 * a month of two hundred people holds the event loop for a few milliseconds at a time.
 * @module
 */
import { type Instant, instantOf } from "../../../core/mod.ts";
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

export interface PunchRange {
  fromMs: number;
  toMs: number;
  /** One person alone. */
  person?: string | undefined;
}

/** Rows read between two looks at the clock: about 1 ms. */
const PAGE_ROWS = 200;

const MAX_TEXTS = 5_000;

const COLUMNS = `person_id, punched_at, seq, device_sn, device_time, time_zone, in_out, direction,
  (direction_by IS 'person' OR added_by IS NOT NULL)`;

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
  byPerson: 0 | 1,
];

export class PunchReader {
  readonly #options: PunchReaderOptions;
  readonly #all: Statement;
  readonly #ofPerson: Statement;
  readonly #days = new DayStarts();
  readonly #texts = new Map<string, string>();

  constructor({ db }: Store, options: PunchReaderOptions) {
    this.#options = options;
    const page = (index: string, condition: string) =>
      db.prepare(
        `SELECT ${COLUMNS} FROM device_logs INDEXED BY ${index}
         WHERE ${condition} punched_at >= ? AND punched_at < ? AND (punched_at, seq) > (?, ?) AND ${COUNTS}
         ORDER BY punched_at, seq LIMIT ${PAGE_ROWS}`,
      );
    this.#all = page("device_logs_time", "");
    this.#ofPerson = page("device_logs_person", "person_id = ? AND");
    for (const statement of [this.#all, this.#ofPerson]) returnArrays(statement);
  }

  /** Person → punches in the order of time. */
  async read({ fromMs, toMs, person }: PunchRange): Promise<Map<string, SheetPunch[]>> {
    const { people } = this.#options;
    const span = { from: instantOf(fromMs), to: instantOf(toMs) };
    const punches = new Map<string, SheetPunch[]>();
    if (person === undefined) {
      const lists = new Map<string, SheetPunch[]>();
      for await (const rows of this.#pages(undefined, span)) {
        for (const row of rows) {
          const id = row[0];
          const list = lists.get(id) ?? listOf(punches, people.personOf(id));
          lists.set(id, list);
          this.#add(row, list);
        }
      }
      return punches;
    }
    const found: Values[] = [];
    for (const id of people.idsOf(person)) {
      for await (const rows of this.#pages(id, span)) found.push(...rows);
    }
    found.sort(byTime);
    for (const row of found) this.#add(row, listOf(punches, person));
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

  /** Adds a punch to those of its person; one that waits to be decided gets the direction that it will have. */
  #add(
    [, at, , deviceSn, deviceTime, timeZone, inOut, stored, byPerson]: Values,
    punches: SheetPunch[],
  ): void {
    const atMs = this.#days.msOf(at);
    punches.push({
      atMs,
      direction: stored ?? this.#undecided({ atMs, deviceSn, inOut }, punches.at(-1)),
      deviceSn: this.#text(deviceSn),
      deviceTime,
      timeZone: this.#text(timeZone),
      corrected: byPerson === 1,
    });
  }

  /** The same text once: thousands of copies would have to be collected. */
  #text(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= MAX_TEXTS) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
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

/** Instants of a month have few days: read by that of their day, they take a tenth of the time of `Date.parse`. */
class DayStarts {
  readonly #starts = new Map<string, number>();

  /** @param at as `instantOf` writes it */
  msOf(at: Instant): number {
    const day = at.slice(0, 10);
    let start = this.#starts.get(day);
    if (start === undefined) {
      if (this.#starts.size >= 1_000) this.#starts.clear();
      this.#starts.set(day, start = Date.parse(day));
    }
    const two = (index: number) => at.charCodeAt(index) * 10 + at.charCodeAt(index + 1) - 528;
    const seconds = (two(11) * 60 + two(14)) * 60 + two(17);
    return start + seconds * 1_000 + two(20) * 10 + at.charCodeAt(22) - 48;
  }
}

/** Gives the event loop to others whenever a slice is over; at the first turn, too, since its caller may have worked. */
export class Turns {
  #budget = sliceBudget(0);

  async turn(): Promise<void> {
    if (this.#budget.left()) return;
    await new Promise<void>((resolve) => afterIo(resolve));
    this.#budget = sliceBudget();
  }
}

function listOf(punches: Map<string, SheetPunch[]>, person: string): SheetPunch[] {
  const known = punches.get(person);
  if (known) return known;
  const list: SheetPunch[] = [];
  punches.set(person, list);
  return list;
}

function byTime([, a, first]: Values, [, b, second]: Values): number {
  return a < b ? -1 : a > b ? 1 : first - second;
}

/** Has a statement return rows as arrays: the runtime can, its types do not say so yet. */
function returnArrays(statement: Statement): void {
  (statement as Statement & { setReturnArrays(on: boolean): void }).setReturnArrays(true);
}
