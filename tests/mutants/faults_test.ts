import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { mutantsOf, withFault } from "./fault.ts";
import { FAULTY_FILES } from "./faults.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const mutants = mutantsOf(FAULTY_FILES);

Deno.test("Each fault can still be put into its file, and its tests are there", () => {
  assert.ok(mutants.length >= 150, `only ${mutants.length} faults`);
  const seen = new Set<string>();
  const wrong: string[] = [];
  for (const mutant of mutants) {
    const { file, what, from, to, tests } = mutant;
    try {
      withFault(Deno.readTextFileSync(`${root}src/${file}`), mutant);
      for (const test of tests) Deno.statSync(`${root}tests/${test}`);
    } catch (error) {
      wrong.push(`src/${file}, "${what}": ${error instanceof Error ? error.message : error}`);
    }
    const key = [file, from, to].join("\0");
    if (from === to || seen.has(key)) {
      wrong.push(`src/${file}, "${what}": changes nothing, or is listed twice`);
    }
    seen.add(key);
  }
  assert.deepEqual(wrong, []);
});
