/** The name that an AiFace device sends along with a punch. @module */

/** The name in a device's record; null where there is none. */
export function nameIn(raw: string): string | null {
  if (!raw.startsWith("{")) return null;
  const found = /"name":"((?:[^"\\]|\\.)*)"/.exec(raw)?.[1];
  return found ? String(JSON.parse(`"${found}"`)).replace(/\p{C}/gu, "").trim() || null : null;
}
