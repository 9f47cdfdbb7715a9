import assert from "node:assert/strict";
import { tempDir } from "../support/temp.ts";
import { type Mutant, mutantsOf } from "./fault.ts";
import { unnoticedOf } from "./run.ts";

const FILES = {
  "deno.json": "{}",
  "src/sum.ts":
    "export function sum(a: number, b: number): number {\n  while (b < 0) b++;\n  return a + b;\n}\n",
  "tests/sum_test.ts": `import { sum } from "../src/sum.ts";
Deno.test("sum", () => {
  if (sum(1, 2) !== 3 || sum(1, -2) !== 1) throw new Error("wrong");
});
`,
  "tests/broken_test.ts": `Deno.test("broken", () => {
  throw new Error("always");
});
`,
};

/** What is not noticed in a checkout of one file, and why. */
async function unnoticed(
  faults: readonly (readonly [what: string, from: string, to: string])[],
  tests?: readonly string[],
): Promise<[what: string, why?: string][]> {
  using root = tempDir();
  for (const folder of ["src", "tests"]) Deno.mkdirSync(`${root.path}/${folder}`);
  for (const [name, text] of Object.entries(FILES)) {
    Deno.writeTextFileSync(`${root.path}/${name}`, text);
  }
  const found: [string, string?][] = [];
  const onUnnoticed = ({ what }: Mutant, why?: string) => found.push(why ? [what, why] : [what]);
  const mutants = mutantsOf([{ file: "sum.ts", faults, ...(tests ? { tests } : {}) }]);
  // Nothing that ends takes this long; what hangs is killed after it.
  await unnoticedOf(mutants, { root: root.path, jobs: 1, limitMs: 15_000, onUnnoticed });
  assert.equal(Deno.readTextFileSync(`${root.path}/src/sum.ts`), FILES["src/sum.ts"]);
  return found;
}

Deno.test("unnoticedOf finds the fault that no test fails or hangs for", async () => {
  assert.deepEqual(
    await unnoticed([
      ["subtracts", "a + b", "a - b"],
      ["adds in another order", "a + b", "b + a"],
      ["never ends", "b++", "b--"],
    ]),
    [["adds in another order"]],
  );
});

Deno.test("unnoticedOf refuses a fault whose text is gone, or there twice", async () => {
  await assert.rejects(unnoticed([["old", "a * b", "a / b"]]), /"old" into src\/sum.ts.* 0 times/);
  await assert.rejects(unnoticed([["wide", "b", "c"]]), /"wide" into src\/sum.ts.* \d+ times/);
});

Deno.test("unnoticedOf refuses a fault that is no TypeScript: no test runs on that", async () => {
  await assert.rejects(
    unnoticed([["typo", "a + b", "a + + b)"]]),
    /"typo" into src\/sum.ts:[^]*SyntaxError/,
  );
});

Deno.test("unnoticedOf trusts no test that fails without a fault", async () => {
  const [[what, why] = []] = await unnoticed([["subtracts", "a + b", "a - b"]], ["broken_test.ts"]);
  assert.equal(what, "subtracts");
  assert.match(why ?? "", /fails or hangs without a fault/);
});
