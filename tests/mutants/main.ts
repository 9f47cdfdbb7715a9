/**
 * `deno task test:mutants`: puts every fault of the list into the code, one at a time, and ends with 1 when fewer than
 * 95 % of them are noticed by the tests of their file.
 * @module
 */
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { print } from "../bench/print.ts";
import { argumentsOf } from "../support/process/arguments.ts";
import { FAULTY_FILES } from "./faults.ts";
import { type Mutant, mutantsOf } from "./fault.ts";
import { unnoticedOf } from "./run.ts";

const USAGE = `deno task test:mutants [--jobs=2] [text…]

Puts faults into a copy of src/, one at a time, and runs the tests of each. With a text, only faults whose file or
description has it. Ends with 1 when fewer than 95 % are noticed.`;

/** The share of faults that has to be noticed. */
const SHARE = 0.95;
const LIMIT_MS = 60_000;

const { jobs, mutants } = argumentsOf(USAGE, (args) => {
  const options = args.filter((arg) => arg.startsWith("-"));
  const texts = args.filter((arg) => !arg.startsWith("-"));
  const jobs = options.reduce((_, option) => jobsOf(option), Math.min(2, cpus().length));
  const mutants = mutantsOf(FAULTY_FILES).filter(({ file, what }) =>
    texts.length === 0 || texts.some((text) => file.includes(text) || what.includes(text))
  );
  if (mutants.length === 0) throw new TypeError(`No fault has "${texts.join('" or "')}"`);
  return { jobs, mutants };
});

const told = new Set<string>();
const onUnnoticed = ({ file, what, tests }: Mutant, why = "") => {
  print(`not noticed  src/${file}: ${what}`);
  const reason = why && `tests/${tests.join(" ")} ${why}`;
  if (reason && !told.has(reason)) print(reason);
  told.add(reason);
};
const started = performance.now();
const unnoticed = await unnoticedOf(mutants, {
  root: fileURLToPath(new URL("../../", import.meta.url)),
  jobs,
  limitMs: LIMIT_MS,
  onUnnoticed,
});
const noticed = mutants.length - unnoticed.length;
const percent = (100 * noticed / mutants.length).toFixed(1);
const minutes = ((performance.now() - started) / 60_000).toFixed(1);
print(`${noticed} of ${mutants.length} faults noticed (${percent} %) in ${minutes} min`);
if (noticed < SHARE * mutants.length) Deno.exitCode = 1;

function jobsOf(option: string): number {
  const jobs = Number(/^--jobs=(\d{1,2})$/.exec(option)?.[1]);
  if (!jobs) throw new TypeError(`Cannot understand "${option}"`);
  return jobs;
}
