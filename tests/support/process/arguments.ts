/**
 * The arguments of a task's program: help for who asks for it, and a clear word with exit code 2 for what is wrong.
 * @module
 */
import { print } from "../../bench/print.ts";

/** What `read` makes of the arguments; where it throws, the program ends. */
export function argumentsOf<T>(usage: string, read: (args: string[]) => T): T {
  if (Deno.args.includes("--help") || Deno.args.includes("-h")) {
    print(usage);
    Deno.exit(0);
  }
  try {
    return read([...Deno.args]);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    print(`${error.message}\n\n${usage}`, Deno.stderr);
    Deno.exit(2);
  }
}

/** For a program that takes none: whoever gives it some expects something else of it. */
export function noArguments(usage: string): void {
  argumentsOf(usage, ([first]) => {
    if (first !== undefined) throw new TypeError(`Cannot understand "${first}"`);
  });
}

/** Whole numbers without names, each with what it is when it is left out. */
export function numbersOf(
  args: readonly string[],
  defaults: Readonly<Record<string, number>>,
): number[] {
  const names = Object.keys(defaults);
  if (args.length > names.length) throw new TypeError(`Cannot understand "${args[names.length]}"`);
  return names.map((name, index) => {
    const text = args[index] ?? String(defaults[name]);
    if (!/^\d+$/.test(text)) throw new TypeError(`Cannot take "${text}" for ${name}`);
    return Number(text);
  });
}
