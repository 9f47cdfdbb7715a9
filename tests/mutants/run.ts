/**
 * Puts faults into copies of the checkout, one at a time, and asks the tests of each whether they notice. Each worker
 * has a copy of its own, so that the checkout itself is never touched.
 * @module
 */
import { tempDir } from "../support/temp.ts";
import { type Mutant, withFault } from "./fault.ts";

export interface RunOptions {
  /** The checkout. */
  root: string;
  /** Copies that are worked on at the same time. */
  jobs: number;
  /** A run hangs that takes longer than this and than three times as long as without a fault. */
  limitMs: number;
  /** Called with each fault that was not noticed, and why, where the tests are not to be trusted. */
  onUnnoticed?: (mutant: Mutant, why?: string) => void;
}

/** How tests went. */
interface Run {
  passed: boolean;
  output: string;
  tookMs: number;
}

/** What the tests need of the checkout. */
const COPIED = [
  "src",
  "tests",
  "build",
  "docs",
  "dist",
  "main.ts",
  "deno.json",
  "deno.lock",
  "config.example.json",
  "README.md",
];

/**
 * The faults that their tests did not notice; those of tests that fail without any are among them.
 * @throws {Error} when a fault cannot be put in
 */
export async function unnoticedOf(
  mutants: readonly Mutant[],
  { root, jobs, limitMs, onUnnoticed = () => {} }: RunOptions,
): Promise<Mutant[]> {
  const waiting = [...mutants];
  /** How tests go without a fault, by their names. */
  const sound = new Map<string, Promise<Run>>();
  const unnoticed: Mutant[] = [];
  const work = async () => {
    using copy = tempDir();
    for (const name of COPIED) copyTree(`${root}/${name}`, `${copy.path}/${name}`);
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const { tests } = mutant;
      const key = tests.join(" ");
      const before = sound.get(key) ?? runTests(copy.path, tests, 3 * limitMs);
      sound.set(key, before);
      const { passed, output, tookMs } = await before;
      const hangsMs = Math.max(limitMs, 3 * tookMs);
      if (passed && await isNoticed(copy.path, mutant, hangsMs)) continue;
      unnoticed.push(mutant);
      onUnnoticed(mutant, passed ? undefined : `fails or hangs without a fault: ${output.trim()}`);
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: jobs }, async () => {
    try {
      await work();
    } finally {
      // Where one worker fails, the others end after what they are at.
      waiting.length = 0;
    }
  }));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return unnoticed;
}

async function isNoticed(copy: string, mutant: Mutant, limitMs: number): Promise<boolean> {
  const path = `${copy}/src/${mutant.file}`;
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, withFault(text, mutant));
  try {
    const { passed, output } = await runTests(copy, mutant.tests, limitMs);
    // No test can run on a file that is no TypeScript, which says nothing about the tests.
    if (/SyntaxError: /.test(output) && !/ [1-9]\d* failed/.test(output)) {
      throw new Error(`Cannot put "${mutant.what}" into src/${mutant.file}:\n${output}`);
    }
    return !passed;
  } finally {
    await Deno.writeTextFile(path, text);
  }
}

/** Runs test files until the first failure; a run that hangs is killed with all it has started. */
async function runTests(
  copy: string,
  tests: readonly string[],
  limitMs: number,
): Promise<Run> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      "--allow-all",
      "--quiet",
      "--no-check",
      "--fail-fast",
      ...tests.map((test) => `tests/${test}`),
    ],
    cwd: copy,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  const started = performance.now();
  let hung = false;
  const limit = setTimeout(() => {
    hung = true;
    kill(child);
  }, limitMs);
  const { success, stdout, stderr } = await child.output();
  clearTimeout(limit);
  // What a failed test has left running would slow the others down.
  kill(child);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const tookMs = performance.now() - started;
  return { passed: success && !hung, output: text(stdout) + text(stderr), tookMs };
}

/** Kills a process and, where the system has process groups, its children. */
function kill(child: Deno.ChildProcess): void {
  try {
    if (Deno.build.os === "windows") child.kill("SIGKILL");
    else Deno.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

function copyTree(from: string, to: string): void {
  let stat: Deno.FileInfo;
  try {
    stat = Deno.statSync(from);
  } catch (error) {
    // `dist` is there only once something was built.
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  if (stat.isFile) return Deno.copyFileSync(from, to);
  Deno.mkdirSync(to, { recursive: true });
  for (const { name } of Deno.readDirSync(from)) copyTree(`${from}/${name}`, `${to}/${name}`);
}
