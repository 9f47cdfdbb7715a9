/**
 * Reads back what `deno compile` put into an executable, and finds what must not be there. The layout is that of
 * Deno 2 (cli/lib/standalone/binary.rs): a magic word, then lengths and parts, then the magic word again.
 *
 *     MAGIC · len metadata(JSON) · len npm packages · remote modules · len file tree(JSON) · len contents · … · MAGIC
 * @module
 */
import { Buffer } from "node:buffer";

const MAGIC = "d3n0l4nd";

/** The remote modules of a program that has none: three empty tables. */
const NO_REMOTE_MODULES = Buffer.alloc(12);

/** What is limited by a list. `null`: nothing is allowed; an empty list: everything is. */
type Limits = Record<
  `allow_${"net" | "read" | "write" | "run" | "env" | "sys" | "ffi"}` | "deny_import",
  string[] | null
>;

/** The parts of the metadata that say what the program may do. */
export interface Baked {
  argv: string[];
  v8_flags: string[];
  permissions: Readonly<Limits> & { readonly prompt: boolean };
  code_cache_key: unknown;
  ca_data: unknown;
  unsafely_ignore_certificate_errors: unknown;
  env_vars_from_env_file: Readonly<Record<string, string>>;
  otel_config: { tracing_enabled: boolean; metrics_enabled: boolean };
}

export interface Embedded {
  baked: Baked;
  /** Every file inside, with its size in bytes. */
  files: { path: string; size: number }[];
  /** All that was added to the runtime, in bytes. */
  payload: Uint8Array;
}

/**
 * Finds the embedded program in an executable.
 * @throws {SyntaxError} when there is none, or its layout is not the known one
 */
export function inspect(executable: Uint8Array): Embedded {
  const bytes = Buffer.from(executable.buffer, executable.byteOffset, executable.byteLength);
  const json = bytes.lastIndexOf('{"argv":');
  const start = json - MAGIC.length - 8;
  if (json < 0 || bytes.toString("latin1", start, start + MAGIC.length) !== MAGIC) {
    throw new SyntaxError("Cannot inspect the executable: no embedded program found");
  }
  const end = bytes.indexOf(MAGIC, json);
  let offset = start + MAGIC.length;
  const part = () => {
    const length = Number(bytes.readBigUInt64LE(offset));
    const from = offset + 8;
    offset = from + length;
    return bytes.subarray(from, offset);
  };
  const baked = JSON.parse(part().toString()) as Baked;
  const npm = part();
  const remote = bytes.subarray(offset, offset += NO_REMOTE_MODULES.length);
  if (npm.length > 0 || !remote.equals(NO_REMOTE_MODULES)) {
    throw new SyntaxError("Cannot inspect the executable: expected one bundle, found packages");
  }
  const tree = JSON.parse(part().toString()) as Entry[];
  if (end < 0 || offset > end) {
    throw new SyntaxError("Cannot inspect the executable: its parts are not where they were");
  }
  return { baked, files: filesIn(tree), payload: bytes.subarray(start, end + MAGIC.length) };
}

type Entry =
  | { File: { n: string; o: [offset: number, size: number] } }
  | { Dir: { n: string; e: Entry[] } }
  | { Symlink: { n: string } };

function filesIn(entries: readonly Entry[], folder = ""): { path: string; size: number }[] {
  return entries.flatMap((entry) => {
    if ("File" in entry) return [{ path: folder + entry.File.n, size: entry.File.o[1] }];
    if ("Dir" in entry) return filesIn(entry.Dir.e, `${folder}${entry.Dir.n}/`);
    return [{ path: folder + entry.Symlink.n, size: 0 }];
  });
}

/** The most that the program may add to the runtime. */
export const MAX_PAYLOAD_BYTES = 3 * 1024 * 1024;

/** Categories that must be limited to what is named, and what a name must look like. */
const LIMITED = [
  ["net", /./],
  ["read", /^\.\/?$/],
  ["write", /^\.\/?$/],
  ["run", /^((\/usr)?\/bin\/)?[\w-]+$/],
  ["env", /^(CLOCKBLOCK_\*|DBUS_SESSION_BUS_ADDRESS|XDG_RUNTIME_DIR)$/],
  ["sys", /^\w+$/],
] as const;

/**
 * What is wrong with an embedded program, in sentences; none when it may be released.
 * @param options.anyhost whether the network may be without limits
 * @param options.privatePaths folders of the build machine that must not be named anywhere inside
 */
export function flaws(
  { baked, files, payload }: Embedded,
  { anyhost, privatePaths }: { anyhost: boolean; privatePaths: readonly string[] },
): string[] {
  const { permissions } = baked;
  const found: string[] = [];
  for (const [category, shape] of LIMITED) {
    const allowed = permissions[`allow_${category}`];
    const lifted = allowed?.length === 0;
    if (lifted !== (anyhost && category === "net")) {
      found.push(
        lifted ? `"${category}" is granted without limits` : `"${category}" is not lifted`,
      );
    }
    for (const value of allowed ?? []) {
      if (!shape.test(value)) found.push(`"${category}" is granted for "${value}"`);
    }
  }
  if (permissions.allow_ffi !== null) found.push('"ffi" is granted');
  if (permissions.deny_import?.length !== 0) found.push("code may be loaded from the network");
  if (permissions.prompt) found.push("it may ask for more permissions");
  if (baked.argv.length > 0) found.push(`arguments are fixed: ${baked.argv.join(" ")}`);
  if (baked.code_cache_key !== null) found.push("a code cache is kept outside its folder");
  if (baked.ca_data !== null) found.push("a certificate authority is built in");
  if (baked.unsafely_ignore_certificate_errors !== null) found.push("certificates are not checked");
  const env = Object.keys(baked.env_vars_from_env_file);
  if (env.length > 0) found.push(`environment variables are built in: ${env.join(", ")}`);
  if (baked.otel_config.tracing_enabled || baked.otel_config.metrics_enabled) {
    found.push("telemetry is on");
  }
  if (files.length !== 1) {
    found.push(`expected one embedded file: ${files.map(({ path }) => path).join(", ")}`);
  }
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  for (const path of privatePaths) {
    const spellings = [path, path.replaceAll("\\", "\\\\"), path.replaceAll("\\", "/")];
    if (spellings.some((spelling) => text.includes(spelling))) {
      found.push(`a folder of this machine is named inside: ${path}`);
    }
  }
  if (payload.byteLength > MAX_PAYLOAD_BYTES) {
    found.push(
      `it adds ${payload.byteLength} bytes to the runtime, more than ${MAX_PAYLOAD_BYTES}`,
    );
  }
  return found;
}
