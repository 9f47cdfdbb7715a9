/** Objects whose lists are long, as JSON that is made as it is read: ten thousand people block no other request. @module */
import type { ListSource, Placed } from "../../../core/mod.ts";
import { sliceBudget } from "../../../store/mod.ts";

/** Length of a piece; an item may be longer. */
const PIECE_CHARACTERS = 1 << 14;

/** What lies after a place of a list. Read lazily, and left off wherever a piece ends. */
type Rest<At> = (after: At | undefined) => ReturnType<ListSource<At>["read"]>;

/** A list that is read from its source while it is sent. */
export class JsonRows<At> {
  readonly #rest: Rest<At>;
  #after: At | undefined;
  #separator = "";
  ended = false;

  constructor(rest: Rest<At>) {
    this.#rest = rest;
  }

  /** The next items; may be empty. */
  read(budget: ReturnType<typeof sliceBudget>): string {
    let text = "";
    for (const { at, json } of this.#rest(this.#after)) {
      this.#after = at;
      if (json !== undefined) {
        text += this.#separator + json;
        this.#separator = ",";
      }
      if (text.length >= PIECE_CHARACTERS || !budget.left()) return text;
    }
    this.ended = true;
    return text;
  }
}

/**
 * The JSON text of an object in pieces; a member may be an array, or `Rows`. No generator: what one holds while it
 * waits stays in memory for as long as a slow reader takes.
 */
export function jsonOf(object: Readonly<Record<string, unknown>>): AsyncIterator<string> {
  const parts = Object.entries(object).flatMap(([key, value], index) => {
    const name = `${index === 0 ? "{" : ","}${JSON.stringify(key)}:`;
    const rows = Array.isArray(value) ? rowsOf(value) : value;
    return rows instanceof JsonRows
      ? [`${name}[`, rows as JsonRows<unknown>, "]"]
      : [name + JSON.stringify(value)];
  });
  parts.push(parts.length === 0 ? "{}" : "}");
  let budget = sliceBudget();
  return {
    async next() {
      for (;;) {
        if (!budget.left()) {
          await new Promise((resolve) => setTimeout(resolve, 0));
          budget = sliceBudget();
        }
        const part = parts[0];
        if (part === undefined) return { done: true, value: undefined };
        const value = typeof part === "string" ? part : part.read(budget);
        if (typeof part === "string" || part.ended) parts.shift();
        if (value !== "") return { done: false, value };
      }
    },
  };
}

function rowsOf(list: readonly unknown[]): JsonRows<number> {
  return new JsonRows(function* (after = -1): Generator<Placed<number>> {
    for (let at = after + 1; at < list.length; at++) yield { at, json: JSON.stringify(list[at]) };
  });
}
