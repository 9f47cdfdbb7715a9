/** The text of lists that are long, a piece for each part: read and written once its turn has come. @module */
import { Turns } from "./punch_reader.ts";

/** The rows of a part; it is read when the parts before it have been sent. */
export type Part<T> = () => Promise<readonly T[]>;

export interface Pieces<T> {
  head: string;
  textOf(row: T): string;
  tail?: string;
}

/** Rows written between two looks at the clock: about 1 ms. */
const TURN_ROWS = 100;

export function piecesOf<T>(
  parts: readonly Part<T>[],
  { head, textOf, tail = "" }: Pieces<T>,
): AsyncIterator<string> {
  const texts = [
    () => Promise.resolve(head),
    ...parts.map((rows) => async () => await joined(await rows(), textOf)),
    () => Promise.resolve(tail),
  ];
  return {
    async next() {
      for (let text = texts.shift(); text; text = texts.shift()) {
        const value = await text();
        if (value !== "") return { done: false, value };
      }
      return { done: true, value: undefined };
    },
  };
}

/** A JSON array of such rows. */
export function jsonArray<T>(itemOf: (row: T) => unknown): Pieces<T> {
  let separator = "";
  return {
    head: "[",
    textOf(row) {
      const text = separator + JSON.stringify(itemOf(row));
      separator = ",";
      return text;
    },
    tail: "]",
  };
}

async function joined<T>(rows: readonly T[], textOf: Pieces<T>["textOf"]): Promise<string> {
  const turns = new Turns();
  let text = "";
  for (let at = 0; at < rows.length; at += TURN_ROWS) {
    for (const row of rows.slice(at, at + TURN_ROWS)) text += textOf(row);
    await turns.turn();
  }
  return text;
}
