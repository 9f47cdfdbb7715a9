import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { tempDir } from "../support/temp.ts";
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

Deno.test("Each faulty file is still TypeScript: else no test of it would run", async () => {
  using dir = tempDir();
  for (const [index, mutant] of mutants.entries()) {
    const faulty = withFault(Deno.readTextFileSync(`${root}src/${mutant.file}`), mutant);
    Deno.writeTextFileSync(`${dir.path}/${index}.${mutant.file.split(".").at(-1)}`, faulty);
  }
  // Formats what it can parse, and names what it cannot.
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "--no-config", dir.path],
    env: { NO_COLOR: "1" },
  }).output();
  const unparsed = new TextDecoder().decode(stderr)
    .matchAll(/^Error formatting: .*\/(\d+)\.tsx?$/gm).map(([, index]) => mutants[Number(index)]!);
  assert.deepEqual([...unparsed].map(({ file, what }) => `src/${file}, "${what}"`), []);
});
