/**
 * `deno task build`: dashboard → bundle of the agent → one executable per system, each read back and refused
 * if anything is in it that must not be.
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildDashboard } from "./dashboard.ts";
import { deno } from "./deno.ts";
import { type Embedded, flaws, inspect } from "./inspect.ts";
import { hostOf, permissionFlags } from "./permissions.ts";
import { V8_FLAGS } from "./v8_flags.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Deno's name for a system → ours, which ends up in the file's name. */
const TARGETS = {
  "x86_64-pc-windows-msvc": { name: "windows-x64", os: "windows" },
  "x86_64-unknown-linux-gnu": { name: "linux-x64", os: "linux" },
  "aarch64-unknown-linux-gnu": { name: "linux-arm64", os: "linux" },
  "x86_64-apple-darwin": { name: "macos-x64", os: "darwin" },
  "aarch64-apple-darwin": { name: "macos-arm64", os: "darwin" },
} as const;

export type Target = keyof typeof TARGETS;

export interface Executable {
  target: Target;
  /** The flavour that may talk to any host. */
  anyhost: boolean;
  /** Hosts it may talk to besides those of `permissions.agent`. */
  hosts?: readonly string[];
}

const USAGE = `Builds the executables into dist/.

  deno task build                      for this machine
  deno task build --target <system>    for another, more than once if wanted:
                                       ${Object.keys(TARGETS).join("\n".padEnd(40))}
  deno task build --all                every system in both flavours, as in a release

  --allow-host <host>                  a host it may talk to, more than once if wanted
  --anyhost                            no limit on hosts: the flavour clockblock-anyhost

The runtime for another system is downloaded by Deno. Where that is not possible, the environment
variable DENORT_BIN names a file to use instead (one system at a time).`;

if (import.meta.main) process.exitCode = await main(Deno.args);

async function main(args: readonly string[]): Promise<number> {
  try {
    const wanted = executablesOf(args);
    if (wanted) await build(wanted, `${root}dist`);
    else process.stdout.write(`${USAGE}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error instanceof TypeError ? 2 : 1;
  }
}

async function build(wanted: readonly Executable[], dist: string): Promise<void> {
  // Deno would put the program onto that file for every system, whatever system the file is for.
  if (Deno.env.get("DENORT_BIN") && new Set(wanted.map(({ target }) => target)).size > 1) {
    throw new TypeError("Cannot build for several systems: DENORT_BIN names the runtime of one");
  }
  const bundle = await bundleAgent(dist);
  for (const executable of wanted) {
    const name = fileName(executable);
    const embedded = await compile(executable, { bundle, output: join(dist, name) });
    process.stdout.write(`${report(name, embedded)}\n`);
  }
  await writeChecksums(dist);
}

/**
 * What the arguments ask for; nothing when they ask for help.
 * @throws {TypeError} when they cannot be understood
 */
export function executablesOf(args: readonly string[]): Executable[] | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: { type: "string", multiple: true, default: [] },
      "allow-host": { type: "string", multiple: true, default: [] },
      anyhost: { type: "boolean", default: false },
      all: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const { anyhost } = values;
  const hosts = values["allow-host"].map(hostOf);
  if (anyhost && hosts.length > 0) {
    throw new TypeError("Cannot build: --anyhost has no use for --allow-host");
  }
  if (values.all) {
    if (values.target.length > 0 || anyhost || hosts.length > 0) {
      throw new TypeError(
        "Cannot build: --all is what a release has, and goes with no other option",
      );
    }
    return Object.keys(TARGETS).flatMap((target) =>
      [false, true].map((anyhost) => ({ target: target as Target, anyhost }))
    );
  }
  const targets = values.target.length > 0 ? values.target : [Deno.build.target];
  return targets.map((target) => {
    if (!(target in TARGETS)) {
      const known = Object.keys(TARGETS).join(", ");
      throw new TypeError(`Cannot build for "${target}": expected one of ${known}`);
    }
    return { target: target as Target, anyhost, hosts };
  });
}

/** `clockblock-anyhost-windows-x64.exe` */
export function fileName({ target, anyhost }: Executable): string {
  const { name, os } = TARGETS[target];
  return `clockblock${anyhost ? "-anyhost" : ""}-${name}${os === "windows" ? ".exe" : ""}`;
}

/**
 * Bundles the agent with its page into one file of JavaScript.
 * @returns the path of `agent.js` in `dir`
 */
export async function bundleAgent(dir: string): Promise<string> {
  // The bundle takes the page from here, wherever it is itself written to.
  await buildDashboard(`${root}dist`);
  const output = join(dir, "agent.js");
  await deno(["bundle", "--platform", "deno", "--minify", "-o", output, "main.ts"], { cwd: root });
  const text = await Deno.readTextFile(output);
  await Deno.writeTextFile(output, text.replace(/[^\0-\xff]/g, escaped));
  // Its time goes into the executable: the same source gives the same checksum.
  await Deno.utime(output, 0, 0);
  return output;
}

/** One character beyond Latin-1 has V8 keep the whole text in two bytes a character: 1 MB of memory more. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * Makes one executable and looks into it.
 * @param options.runtime a file to build on, instead of the one that Deno downloads or `DENORT_BIN` names
 * @throws {Error} when something is in it that must not be; it is removed then
 */
export async function compile(
  executable: Executable,
  { bundle, output, runtime }: { bundle: string; output: string; runtime?: string },
): Promise<Embedded> {
  const { target, anyhost, hosts = [] } = executable;
  const { os } = TARGETS[target];
  // Named through a link, as temporary folders are on macOS, it would bring the link with it.
  const file = await Deno.realPath(bundle);
  const icon = os === "windows" ? ["--icon", `${root}build/icon.ico`] : [];
  await deno([
    "compile",
    "--quiet",
    "--no-check",
    "--no-npm",
    "--no-config",
    "--no-lock",
    // The cache would lie in the machine's folder for temporary files, where others may write as well.
    "--no-code-cache",
    V8_FLAGS,
    ...permissionFlags(undefined, { hosts, anyhost, os }),
    ...icon,
    "--app-name=clockblock",
    `--target=${target}`,
    `--output=${output}`,
    file,
  ], {
    // Telemetry is decided when the executable is made, by whatever the build machine happens to have set.
    env: { OTEL_DENO: "false", ...(runtime === undefined ? {} : { DENORT_BIN: runtime }) },
  }).catch((error: Error) => {
    if (!error.message.includes("denort")) throw error;
    throw new Error(
      `${error.message}\nIf Deno cannot download the runtime here, DENORT_BIN may name a file to use instead.`,
    );
  });
  const embedded = inspect(await Deno.readFile(output));
  const found = flaws(embedded, { anyhost, privatePaths: privatePaths() });
  if (found.length > 0) {
    await Deno.remove(output);
    throw new Error(`Cannot release ${fileName(executable)}:\n  ${found.join("\n  ")}`);
  }
  return embedded;
}

function privatePaths(): string[] {
  const home = Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE");
  return home === undefined ? [root] : [root, join(home, "/")];
}

/** What was embedded, what it may do and what it weighs, as a table. */
function report(name: string, { baked, files, payload }: Embedded): string {
  const { permissions } = baked;
  const rows = Object.entries(permissions).flatMap(([key, values]) => {
    // What is denied hides this list, which Deno bakes in any case.
    if (!Array.isArray(values) || (key === "allow_import" && permissions.deny_import)) return [];
    const all = key.startsWith("ignore_") ? "everything else" : "everything";
    return [[key.replace("_", " "), values.length === 0 ? all : values.join(" ")]];
  });
  rows.push(...files.map(({ path, size }) => ["file", `${path} (${kilobytes(size)})`]));
  rows.push(["above the runtime", kilobytes(payload.byteLength)]);
  const width = Math.max(...rows.map(([key]) => key!.length));
  return `${name}\n${rows.map(([key, value]) => `  ${key!.padEnd(width)}  ${value}\n`).join("")}`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KB`;
}

/** `SHA256SUMS` over every executable that lies in the folder, for `sha256sum --check`. */
export async function writeChecksums(dir: string): Promise<void> {
  const names = [...Deno.readDirSync(dir)].map(({ name }) => name)
    .filter((name) => name.startsWith("clockblock-")).sort();
  const lines = [];
  for (const name of names) {
    const hash = createHash("sha256").update(await Deno.readFile(join(dir, name)));
    lines.push(`${hash.digest("hex")}  ${name}\n`);
  }
  await Deno.writeTextFile(join(dir, "SHA256SUMS"), lines.join(""));
}
