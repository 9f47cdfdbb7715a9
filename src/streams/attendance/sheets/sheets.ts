/** Sheets and presence, computed from the stored punches for each request. @module */
import { addDays, type Clock, type Day } from "../../../core/mod.ts";
import type { Store } from "../../../store/mod.ts";
import { type DaySheet, daySheets, type SheetPunch } from "./day_sheets.ts";
import { REPEAT_MS } from "./direction.ts";
import { addDaysTo, type MonthSheet } from "./month_sheets.ts";
import type { Part } from "./pieces.ts";
import { PunchReader, type PunchReaderOptions, Turns } from "./punch_reader.ts";
import { insideSince, staysOf } from "./stays.ts";
import { type Uncertain, uncertainReader } from "./uncertain.ts";

export interface SheetsOptions extends PunchReaderOptions {
  clock: Clock;
}

export interface SheetQuery {
  from: Day;
  to: Day;
  person?: string | undefined;
  department?: string | undefined;
}

export interface Present {
  inside: Inside[];
  uncertain: Uncertain[];
}

export interface Inside {
  personId: string;
  entry: SheetPunch;
}

/** Largest offset of a zone from UTC: in some zone a day begins this long before it does in UTC. */
const MAX_OFFSET_MS = 15 * 3_600_000;

/** Days read at once. Those of a shorter part cost more: around each, two or three more days are read. */
const PART_DAYS = 14;

const NAMES = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

export class Sheets {
  readonly #options: SheetsOptions;
  readonly #reader: PunchReader;
  readonly #uncertain: () => Promise<Uncertain[]>;

  constructor(store: Store, options: SheetsOptions) {
    this.#options = options;
    this.#uncertain = uncertainReader(store, options);
    this.#reader = new PunchReader(store, options);
  }

  /** A part for every two weeks, the newest day first; of a day by name. Read one by one, a year takes no more memory. */
  days({ from, to, ...whose }: SheetQuery): Part<DaySheet>[] {
    return partsOf({ from, to }).map((part) => () => this.#days({ ...whose, ...part }));
  }

  async #days(query: SheetQuery): Promise<DaySheet[]> {
    const { people, maxStayMs, clock } = this.#options;
    const { from, to, person } = query;
    const punches = await this.#reader.read({
      person: person === undefined ? undefined : people.personOf(person),
      // Before: a stay that ends on the first day may have begun `maxStayMs` earlier. After: the last day's night shift.
      fromMs: Date.parse(from) - MAX_OFFSET_MS - maxStayMs,
      toMs: Date.parse(addDays(to, 1)) + MAX_OFFSET_MS + maxStayMs,
    });
    const days = new Map<Day, DaySheet[]>();
    const turns = new Turns();
    const nowMs = clock.now();
    for (const personId of this.#byName(punches.keys())) {
      if (!this.#isOf(query.department, personId)) continue;
      const given = punches.get(personId)!;
      for (const sheet of daySheets(given, { personId, from, to, nowMs, maxStayMs })) {
        const known = days.get(sheet.date);
        if (known) known.push(sheet);
        else days.set(sheet.date, [sheet]);
      }
      await turns.turn();
    }
    return [...days.keys()].sort().reverse().flatMap((date) => days.get(date)!);
  }

  /** A part for each month, the newest first; of a month by name. */
  months({ from, to, ...whose }: SheetQuery): Part<MonthSheet>[] {
    const months: Part<MonthSheet>[] = [];
    for (let month = to.slice(0, 7); month >= from.slice(0, 7); month = monthBefore(month)) {
      const bounds = { from: `${month}-01`, to: lastDay(month) };
      months.push(async () => {
        const byPerson = new Map<string, MonthSheet>();
        for (const read of this.days({ ...whose, ...bounds })) addDaysTo(byPerson, await read());
        return this.#byName(byPerson.keys()).map((personId) => byPerson.get(personId)!);
      });
    }
    return months;
  }

  /** Who is inside now, by name, and who may be. */
  async present({ department }: { department?: string | undefined } = {}): Promise<Present> {
    const { maxStayMs, clock } = this.#options;
    const nowMs = clock.now();
    const fromMs = nowMs - maxStayMs - REPEAT_MS;
    const punches = await this.#reader.read({ fromMs, toMs: nowMs + 1 });
    const entries = new Map<string, SheetPunch>();
    for (const [personId, given] of punches) {
      const entry = insideSince(staysOf(given, { maxStayMs }), { nowMs, maxStayMs });
      if (entry && this.#isOf(department, personId)) entries.set(personId, entry);
    }
    const uncertain = new Map<string, Uncertain>();
    for (const each of await this.#uncertain()) {
      const { personId } = each;
      if (!entries.has(personId) && this.#isOf(department, personId)) uncertain.set(personId, each);
    }
    return {
      inside: this.#byName(entries.keys()).map((personId) => ({
        personId,
        entry: entries.get(personId)!,
      })),
      uncertain: this.#byName(uncertain.keys()).map((personId) => uncertain.get(personId)!),
    };
  }

  /** Persons by name, who has none by id. */
  #byName(persons: Iterable<string>): string[] {
    return [...persons].map((id) => ({ id, name: this.#options.people.nameOf(id) ?? id }))
      .sort((a, b) => NAMES.compare(a.name, b.name) || NAMES.compare(a.id, b.id))
      .map(({ id }) => id);
  }

  #isOf(department: string | undefined, personId: string): boolean {
    return department === undefined || this.#options.people.departmentOf(personId) === department;
  }
}

/** A span in parts of two weeks, the newest first. */
function partsOf({ from, to }: Pick<SheetQuery, "from" | "to">): { from: Day; to: Day }[] {
  const parts: { from: Day; to: Day }[] = [];
  for (let last = to; last >= from; last = addDays(last, -PART_DAYS)) {
    const first = addDays(last, 1 - PART_DAYS);
    parts.push({ from: first > from ? first : from, to: last });
  }
  return parts;
}

function lastDay(month: string): Day {
  return `${month}-${Temporal.PlainYearMonth.from(month).daysInMonth}`;
}

function monthBefore(month: string): string {
  return Temporal.PlainYearMonth.from(month).subtract({ months: 1 }).toString();
}
