/** Names of people as devices write them. @module */

const MAX_NAME_LENGTH = 100;
/** Control characters, but for the joiners that some scripts are written with. */
const NOT_WRITTEN = /[^\P{C}\u200C\u200D]/gu;

/** A name as it is kept: on one line, without control characters; null where nothing is left of it. */
export function personName(text: string | null | undefined): string | null {
  if (!text) return null;
  const name = text.replace(/\s+/g, " ").replace(NOT_WRITTEN, "").trim();
  return [...name].slice(0, MAX_NAME_LENGTH).join("").trim() || null;
}

/** The name that an AiFace device sends along with a punch; null where there is none. */
export function nameIn(raw: string): string | null {
  if (!raw.startsWith("{")) return null;
  const found = /"name":"((?:[^"\\]|\\.)*)"/.exec(raw)?.[1];
  return found ? personName(String(JSON.parse(`"${found}"`))) : null;
}
