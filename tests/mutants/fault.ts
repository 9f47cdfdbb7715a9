/**
 * A fault: a small mistake of the kind people make, put into one file on purpose.
 * @module
 */

/** What goes wrong · text of the file, in it exactly once · what replaces it · tests, if others than the file's. */
export type Fault = readonly [what: string, from: string, to: string, tests?: readonly string[]];

/** The faults of one source file. */
export interface FaultyFile {
  /** Below `src/`. */
  readonly file: string;
  /** Test files below `tests/` that should notice (default: the one that mirrors the file). */
  readonly tests?: readonly string[];
  readonly faults: readonly Fault[];
}

/** A fault with its file and its tests. */
export interface Mutant {
  readonly what: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly tests: readonly string[];
}

export function mutantsOf(files: readonly FaultyFile[]): Mutant[] {
  return files.flatMap(({ file, tests = [mirrored(file)], faults }) =>
    faults.map(([what, from, to, own = tests]) => ({ what, file, from, to, tests: own }))
  );
}

/**
 * The file's text with the fault in it.
 * @throws {Error} when `from` does not stand in the text exactly once: the list is out of date
 */
export function withFault(text: string, { what, file, from, to }: Mutant): string {
  const times = text.split(from).length - 1;
  if (times !== 1) {
    throw new Error(
      `Cannot put "${what}" into src/${file}: its text is there ${times} times, not once`,
    );
  }
  // A function, so that `$` in the replacement is text.
  return text.replace(from, () => to);
}

function mirrored(file: string): string {
  return file.replace(/\.tsx?$/, "_test.ts");
}
