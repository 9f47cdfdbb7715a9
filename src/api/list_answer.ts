/**
 * A list on its way out, in two readings: the first finds where the answer ends, because its `Link` header goes
 * before its body, and keeps what is short; the second reads what is sent, as fast as it is taken.
 * @module
 */
import { type Listing, type ListSource, MAX_LIST_BYTES, type Readers } from "../core/mod.ts";
import { sliceBudget } from "../store/mod.ts";

/** What is read of a list before it is sent on or counted, in characters; an item may be longer. */
const SLICE_CHARACTERS = 1 << 16;
/** What the first reading keeps, in bytes. */
const KEPT_BYTES = 1 << 18;
/** Bytes of a UTF-16 code unit in UTF-8 at most. */
const MAX_UTF8_BYTES = 3;

/** Some items. */
interface Slice<At> {
  text: string;
  items: number;
  /** The place of the last of them. */
  end: At;
}

export interface ListAnswer {
  headers: Record<string, string>;
  /** The body where that is short, or what it is made of. */
  body: string | AsyncIterator<string>;
}

const encoder = new TextEncoder();
// Never given out.
const scratch = new Uint8Array(SLICE_CHARACTERS);

/**
 * How a list is answered: a short one at once. Long ones are read one at a time, and others begin one in a turn of the
 * event loop where one turned out to be long: a first slice, too, may have a megabyte.
 */
export function listAnswer<At>(
  list: Listing<At>,
  readers: Readers,
): ListAnswer | Promise<ListAnswer> {
  const first = new FirstReading(list.source);
  const isShort = !readers.listLine.busy && first.begin();
  return isShort ? answerOf(list, { first, readers }) : longAnswer(list, { first, readers });
}

interface Reading<At> {
  first: FirstReading<At>;
  readers: Readers;
}

async function longAnswer<At>(list: Listing<At>, reading: Reading<At>): Promise<ListAnswer> {
  const { first, readers } = reading;
  const isShort = await readers.listLine.do(async () => {
    await nextTurn();
    return first.begin();
  });
  if (isShort) return answerOf(list, reading);
  while (first.kept && await first.step());
  if (!first.kept) await readers.doAlone(() => first.toItsEnd());
  return answerOf(list, reading);
}

function answerOf<At>(list: Listing<At>, { first, readers }: Reading<At>): ListAnswer {
  const { end, kept, more } = first;
  const headers = more && end !== undefined ? list.headersAt(end) : {};
  if (kept) return { headers, body: `[${kept.join(",")}]` };
  const pieces = body(list.source, end);
  // One after the other: what is read is counted before the next caller reads.
  return { headers, body: { next: () => readers.doAlone(() => pieces.next()) } };
}

/** Finds where an answer ends, and keeps its text while that is short. */
class FirstReading<At> {
  readonly #slices: Slices<At>;
  readonly #limit: number;
  #isShort: boolean | undefined;
  #bytes = 2;
  #items = 0;
  /** The place of the last item of the answer. */
  end: At | undefined;
  kept: string[] | undefined = [];
  /** Whether the list may go on after it. */
  more = false;

  constructor(source: ListSource<At>) {
    this.#slices = new Slices(source);
    this.#limit = source.limit;
  }

  /** Reads the first slice without waiting, once. @returns whether that was the whole list */
  begin(): boolean {
    return this.#isShort ??= this.#readFirst();
  }

  #readFirst(): boolean {
    const slice = this.#slices.first();
    if (slice?.items === 0) return false;
    if (slice && this.#slices.ended && slice.text.length * MAX_UTF8_BYTES <= KEPT_BYTES) {
      // Certainly short: its bytes need not be counted.
      this.kept = [slice.text];
      this.end = slice.end;
      this.more = slice.items === this.#limit || this.#slices.cut;
      return true;
    }
    if (!this.#take(slice)) return true;
    return this.#slices.ended && !this.#take(undefined);
  }

  /** Reads on; false when it was all. A function of its own, so that no text stays while the caller waits. */
  async step(): Promise<boolean> {
    return this.#take(await this.#slices.next());
  }

  /** Reads all that is left. */
  async toItsEnd(): Promise<void> {
    while (await this.step());
  }

  #take(slice: Slice<At> | undefined): boolean {
    this.more = this.#items === this.#limit || this.#slices.cut;
    if (!slice) {
      if (this.#slices.cut) this.end = this.#slices.at;
      return false;
    }
    const bytes = byteLength(slice.text) + 1;
    this.more = this.#items > 0 && this.#bytes + bytes > MAX_LIST_BYTES;
    if (this.more) return false;
    this.#bytes += bytes;
    this.#items += slice.items;
    this.end = slice.end;
    if (this.#bytes > KEPT_BYTES) this.kept = undefined;
    this.kept?.push(slice.text);
    return true;
  }
}

/** The body of a list up to a place. */
function body<At>(
  source: ListSource<At>,
  until: At | undefined,
): { next(): Promise<IteratorResult<string>> } {
  const slices = new Slices({ ...source, limit: Infinity }, until);
  let before = "[";
  let ended = false;
  return {
    async next() {
      if (ended) return { done: true, value: undefined };
      const slice = await slices.next();
      ended = slice === undefined;
      const value = slice ? before + slice.text : before === "[" ? "[]" : "]";
      before = ",";
      return { done: false, value };
    },
  };
}

/**
 * The items of a list in slices, a large one by itself; others have their turn in between. Nothing is kept from one
 * slice to the next, and there is no generator, which would keep its last item: a slow reader takes long between two.
 */
class Slices<At> {
  readonly #source: ListSource<At>;
  readonly #until: At | undefined;
  #at: At | undefined;
  #left: number;
  #whole = false;
  /** Whether the source ended the answer before the list. */
  cut = false;
  #budget = sliceBudget();

  constructor(source: ListSource<At>, until?: At) {
    this.#source = source;
    this.#until = until;
    this.#at = source.after;
    this.#left = source.limit;
  }

  /** The first items, without waiting; a slice without items where the budget ended before one was found. */
  first(): Slice<At> | undefined {
    return this.#read();
  }

  /** The place up to which it was read. */
  get at(): At | undefined {
    return this.#at;
  }

  /** Whether nothing more follows. */
  get ended(): boolean {
    return this.#whole || this.#left === 0;
  }

  /** Some items, or none at the end of the list or of what was asked for. */
  async next(): Promise<Slice<At> | undefined> {
    for (;;) {
      if (!this.#budget.left()) {
        await nextTurn();
        this.#budget = sliceBudget();
      }
      const slice = this.#read();
      if (!slice || slice.items > 0) return slice;
    }
  }

  #read(): Slice<At> | undefined {
    if (this.#whole || this.#left === 0) return undefined;
    let text = "";
    let items = 0;
    for (const { at, json, cut } of this.#source.read({ after: this.#at, until: this.#until })) {
      if (json !== undefined && items > 0 && text.length + json.length > SLICE_CHARACTERS) {
        return { text, items, end: this.#at! };
      }
      this.#at = at;
      if (json !== undefined) {
        text = items++ === 0 ? json : `${text},${json}`;
        this.#left--;
      }
      if (cut) {
        this.#whole = this.cut = true;
        return { text, items, end: at };
      }
      if (this.#left === 0 || !this.#budget.left() || text.length > SLICE_CHARACTERS) {
        return { text, items, end: at };
      }
    }
    this.#whole = true;
    return items > 0 ? { text, items, end: this.#at! } : undefined;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** How long a text is in UTF-8, without another copy of it. */
function byteLength(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length;) {
    const { read, written } = encoder.encodeInto(text.slice(at, at + SLICE_CHARACTERS), scratch);
    at += read;
    bytes += written;
  }
  return bytes;
}
