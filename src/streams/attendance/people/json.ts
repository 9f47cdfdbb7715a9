/** Objects whose lists are long, as JSON that is made as it is read: ten thousand people hold up nobody. @module */

const ITEMS = 100;

/** The JSON text of an object in pieces; a member may be a list, or items still to come. */
export async function* jsonOf(
  object: Readonly<Record<string, unknown>>,
): AsyncGenerator<string, void, undefined> {
  let before = "{";
  for (const [key, value] of Object.entries(object)) {
    const name = `${before}${JSON.stringify(key)}:`;
    before = ",";
    if (typeof value !== "object" || value === null || !(Symbol.iterator in value)) {
      yield name + JSON.stringify(value);
      continue;
    }
    yield `${name}[`;
    let text = "";
    let items = 0;
    for (const item of value as Iterable<unknown>) {
      text += (items++ === 0 ? "" : ",") + JSON.stringify(item);
      if (items % ITEMS !== 0) continue;
      yield text;
      text = "";
    }
    yield `${text}]`;
  }
  yield before === "{" ? "{}" : "}";
}
