/**
 * Lists as answers: read while they are sent, so that none of them is ever in memory as a whole. An answer ends at
 * the limit of its items or of its bytes, and its `Link` header leads to the rest.
 * @module
 */
import { nextPage, Reply } from "./route.ts";

/** The most that a list answers at a time, in bytes. An item alone that is larger is answered all the same. */
export const MAX_LIST_BYTES = 8 << 20;

/** An item and its place in the list; without one, a place up to which none was found. */
export interface Placed<At> {
  at: At;
  /** The item's JSON text. */
  json?: string;
  /** Enough was read: the answer ends here, whether or not the list goes on. */
  cut?: true;
}

export interface ListSource<At> {
  /** How many items are answered at most. */
  limit: number;
  /** Where the list begins; undefined where everything begins. */
  after?: At | undefined;
  /**
   * What lies after a place, up to another where one is given. Read lazily, and left off wherever the event loop is
   * wanted by others.
   */
  read(span: { after: At | undefined; until: At | undefined }): Iterable<Placed<At>>;
  /** The query of what lies after a place. */
  next(at: At): Readonly<Record<string, string | number>>;
}

/** A list that is read while it is sent. */
export class Listing<At = unknown> extends Reply<never> {
  constructor(readonly raw: Request, readonly source: ListSource<At>) {
    // Nobody asks for the value of it.
    super(undefined as never, 200, {});
  }

  /** The headers of an answer that ends at a place before the list does. */
  headersAt(at: At): Record<string, string> {
    return nextPage(this.raw, this.source.next(at));
  }
}

/** Answers with a list that is read while it is sent. */
export function listing<At>(raw: Request, source: ListSource<At>): Listing<At> {
  return new Listing(raw, source);
}
