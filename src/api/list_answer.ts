/**
 * A list on its way out, in two readings: the first finds where the answer ends, because its `Link` header goes
 * before its body, and keeps what is short; the second reads what is sent, as fast as it is taken.
 * @module
 */
import { type Listing, type ListSource, MAX_LIST_BYTES } from "../core/mod.ts";
import { sliceBudget } from "../store/mod.ts";

/** What is read of a list before it is sent on or counted, in characters; an item may be longer. */
const SLICE_CHARACTERS = 1 << 16;
/** What the first reading keeps, in bytes. */
const KEPT_BYTES = 1 << 18;

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
  body: Uint8Array<ArrayBuffer> | AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

const encoder = new TextEncoder();

/** How a list is answered. */
export async function listAnswer<At>(list: Listing<At>): Promise<ListAnswer> {
  const { source } = list;
  const kept: string[] = [];
  let bytes = 2;
  let items = 0;
  let end: At | undefined;
  let more = false;
  for await (const slice of slices(source)) {
    const sliceBytes = byteLength(slice.text) + 1;
    more = items > 0 && bytes + sliceBytes > MAX_LIST_BYTES;
    if (more) break;
    bytes += sliceBytes;
    items += slice.items;
    end = slice.end;
    if (bytes <= KEPT_BYTES) kept.push(slice.text);
  }
  more ||= items === source.limit;
  const headers = more && end !== undefined ? list.headersAt(end) : {};
  if (bytes <= KEPT_BYTES) return { headers, body: encoder.encode(`[${kept.join(",")}]`) };
  return { headers, body: body(source, end) };
}

async function* body<At>(
  { after, read, next }: ListSource<At>,
  until: At | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let before = "[";
  for await (const { text } of slices({ after, limit: Infinity, read, next }, until)) {
    const bytes = encoder.encode(before + text);
    before = ",";
    // Copies, so that of a large item only what has not been sent stays.
    if (bytes.byteLength <= 2 * SLICE_CHARACTERS) yield bytes;
    else {
      for (let at = 0; at < bytes.byteLength; at += SLICE_CHARACTERS) {
        yield bytes.slice(at, at + SLICE_CHARACTERS);
      }
    }
  }
  yield encoder.encode(before === "[" ? "[]" : "]");
}

/** The items of a list, a large one by itself; others have their turn in between. */
async function* slices<At>(
  { after, limit, read }: ListSource<At>,
  until?: At,
): AsyncGenerator<Slice<At>> {
  let at = after;
  let found = 0;
  let budget = sliceBudget();
  for (let whole = false; !whole;) {
    whole = true;
    let text = "";
    let items = 0;
    let large: { json: string; at: At } | undefined;
    for (const next of read({ after: at, until })) {
      const { json } = next;
      if (json !== undefined && items > 0 && text.length + json.length > SLICE_CHARACTERS) {
        large = { json, at: next.at };
        whole = false;
        break;
      }
      at = next.at;
      if (json !== undefined) text = items++ === 0 ? json : `${text},${json}`;
      if (found + items === limit) break;
      if (!budget.left() || text.length > SLICE_CHARACTERS) {
        whole = false;
        break;
      }
    }
    // There is a place when there are items.
    if (items > 0) yield { text, items, end: at! };
    found += items;
    if (large) {
      ({ at } = large);
      found++;
      yield { text: large.json, items: 1, end: at };
      if (found === limit) return;
    }
    if (!whole && !budget.left()) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      budget = sliceBudget();
    }
  }
}

function byteLength(text: string): number {
  return encoder.encode(text).byteLength;
}
