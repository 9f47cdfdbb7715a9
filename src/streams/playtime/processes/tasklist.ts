/** Windows' process list, by `tasklist`. Titles (`/V`) are slow, so only possible games are asked for theirs. @module */
import { gamesFinder, imageTest, type Matcher } from "./matchers.ts";
import { decodeOutput } from "./decode.ts";
import { imageName, type Process, type ProcessLister } from "./process.ts";
import { type RunTool, runTool } from "./tool.ts";

/** The column of the window title with `/V`, the last one. */
const TITLE_COLUMN = 8;

/** Lists what the matchers need. */
export function tasklist(
  matchers: readonly Matcher[],
  { run = runTool }: { run?: RunTool } = {},
): ProcessLister {
  const find = gamesFinder(matchers);
  const titled = matchers.filter(({ window_title }) => window_title !== undefined)
    .map(({ image, label }) => ({ label, hasImage: imageTest(image) }));
  const only = onlyImage(matchers);

  const list = async (args: readonly string[], signal: AbortSignal) =>
    parseTasklist(decodeOutput(await run("tasklist", ["/FO", "CSV", "/NH", ...args], { signal })));
  const listImage = async (
    image: string,
    { verbose, signal }: { verbose: boolean; signal: AbortSignal },
  ): Promise<Process[]> => {
    const args = ["/FI", `IMAGENAME eq ${image}`];
    const found = await list(verbose ? ["/V", ...args] : args, signal);
    // Under the name asked for: the console's code page may lack letters of it.
    return found.map((process) => ({ ...process, image }));
  };

  return async ({ signal }) => {
    if (only !== undefined) return listImage(only, { verbose: titled.length > 0, signal });
    // Filters are combined by AND, so several names are looked up in the whole list.
    const all = await list([], signal);
    if (all.length === 0) throw new Error("tasklist printed no processes, not even itself");
    if (titled.length === 0) return all;
    // A game that was found needs no title.
    const found = new Set(find(all).map(({ label }) => label));
    const sought = titled.filter(({ label }) => label === undefined || !found.has(label));
    const isCandidate = (process: Process) => sought.some(({ hasImage }) => hasImage(process));
    const processes = all.filter((process) => !isCandidate(process));
    for (const image of new Set(all.filter(isCandidate).map(({ image }) => image))) {
      processes.push(...await listImage(image, { verbose: true, signal }));
    }
    return processes;
  };
}

/** Lists every process with its title: slow. */
export function tasklistWithTitles({ run = runTool }: { run?: RunTool } = {}): ProcessLister {
  return async ({ signal }) =>
    parseTasklist(decodeOutput(await run("tasklist", ["/V", "/FO", "CSV", "/NH"], { signal })));
}

/** The one image of all matchers, if it has no `*`. */
function onlyImage(matchers: readonly Matcher[]): string | undefined {
  const images = new Set(
    matchers.map(({ image }) => /\.exe$/i.test(image) ? image : `${image}.exe`),
  );
  const [image] = images;
  return images.size === 1 && image && !image.includes("*") ? image : undefined;
}

/**
 * The processes of `tasklist /FO CSV /NH [/V]`.
 * @throws {SyntaxError} for what is neither such a list nor the message that nothing runs
 */
export function parseTasklist(text: string): Process[] {
  const trimmed = text.trim();
  if (!trimmed.startsWith('"')) {
    if (isMessage(trimmed)) return [];
    throw new SyntaxError("tasklist printed something that is not a list of processes");
  }
  return records(trimmed).map((fields, index) => {
    const [name, pid] = fields;
    if (!name || fields.length < 5 || !/^\d+$/.test(pid ?? "")) {
      throw new SyntaxError(`tasklist printed a row that is not a process: number ${index + 1}`);
    }
    // A title may itself hold `","`.
    const title = fields.slice(TITLE_COLUMN).join('","');
    const image = imageName(name);
    return fields.length > TITLE_COLUMN ? { image, windowTitle: title } : { image };
  });
}

/** "No tasks are running which match the specified criteria", in any language: a line or two, or nothing. */
function isMessage(text: string): boolean {
  // deno-lint-ignore no-control-regex -- control characters are what no message has
  return text.length < 400 && text.split("\n").length <= 3 && !/[\x00-\x08\x0e-\x1f]/.test(text);
}

/** The records of a CSV text in which every field is quoted. */
function records(text: string): string[][] {
  const all: string[][] = [];
  let at = 0;
  while (at < text.length) {
    const fields: string[] = [];
    do {
      if (text[at] !== '"') {
        throw new SyntaxError(
          `tasklist printed a row that is not quoted: number ${all.length + 1}`,
        );
      }
      const end = closingQuote(text, at + 1);
      fields.push(text.slice(at + 1, end).replaceAll('""', '"'));
      at = end + 1;
    } while (text[at++] === ",");
    all.push(fields);
    while (text[at] === "\r" || text[at] === "\n") at++;
  }
  return all;
}

/**
 * The end of a quoted field. tasklist does not double the quotes of a window title: a quote ends the field only before
 * the next field or line.
 */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    const next = text[at + 1];
    if (next === undefined || next === "\r" || next === "\n") return at;
    if (next === "," && text[at + 2] === '"') return at;
    const afterPair = text[at + 2];
    if (next === '"' && afterPair !== undefined && afterPair !== "\r" && afterPair !== "\n") at++;
  }
  throw new SyntaxError("tasklist printed a row that does not end");
}
