/**
 * Puts the configuration together: defaults, then the file, then the environment, then flags, each over the one before.
 * Blocks are merged key by key, lists are replaced as a whole.
 * @module
 */
import { dirname, isAbsolute, join, resolve } from "node:path";
import * as v from "valibot";
import { errorMessage, isObject, type Json, type JsonObject } from "../core/mod.ts";
import { ConfigError } from "./config_error.ts";
import { contradictions } from "./contradictions.ts";
import { decodeText, lineOf, parseConfigText } from "./json_text.ts";
import { configBlocks, type ConfigKey, configKey, configKeys, flagOf, variableOf } from "./keys.ts";
import { nearest } from "./nearest.ts";
import { type Config, configSchema } from "./schema.ts";

export interface ConfigSources {
  /** The file that was asked for, which has to exist; without it `config.json` where there is one. */
  path?: string | undefined;
  /** Environment variables; those that do not begin with `CLOCKBLOCK_` are ignored. */
  env?: Readonly<Record<string, string>>;
  /** Values of flags as they were typed, by key: `{ "events.table": "mine" }`. */
  flags?: ReadonlyMap<string, string>;
  /** The folder that relative paths start from (default: the one the process runs in). */
  cwd?: string | undefined;
  readFile?: (path: string) => Uint8Array;
}

/** A configuration that is being put together. */
interface Draft {
  values: { [key: string]: Json };
  /** The source of each value, by key: `config.json`, `CLOCKBLOCK_API_PORT`, `--api-port`. */
  sources: Map<string, string>;
  problems: string[];
  file: { name: string; text: string } | undefined;
}

/** The configuration to run with. @throws {ConfigError} with everything that is wrong */
export function loadConfig(sources: ConfigSources = {}): Config {
  const { env = {}, flags = new Map(), cwd } = sources;
  const draft: Draft = { values: {}, sources: new Map(), problems: [], file: undefined };
  addFile(draft, sources);
  addEnvironment(draft, env);
  for (const [path, text] of flags) addText(draft, text, { path, source: flagOf(path) });

  const parsed = v.safeParse(configSchema, draft.values, { abortPipeEarly: true });
  draft.problems.push(...(parsed.issues ?? []).map((issue) => describeIssue(issue, draft)));
  if (!parsed.success) throw new ConfigError([...new Set(draft.problems)]);
  draft.problems.push(...contradictions(parsed.output));
  if (draft.problems.length > 0) throw new ConfigError([...new Set(draft.problems)]);
  return { ...parsed.output, db_path: realFile(within(cwd, parsed.output.db_path)) };
}

function addFile(draft: Draft, { path, cwd, readFile = Deno.readFileSync }: ConfigSources): void {
  const name = path ?? "config.json";
  let bytes: Uint8Array;
  try {
    bytes = readFile(within(cwd, name));
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound;
    if (missing && path === undefined) return;
    const state = missing
      ? "there is no such file. Check the path given with --config"
      : whyUnreadable(error);
    throw new ConfigError([`Cannot read ${name}: ${state}`], { cause: error });
  }
  let text: string;
  let value: Json;
  try {
    text = decodeText(bytes);
    if (text.trim() === "") throw new SyntaxError("it is empty. Write at least {} into it");
    value = parseConfigText(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ConfigError([`Cannot read ${name}: ${error.message}`], { cause: error });
  }
  if (!isObject(value)) {
    throw new ConfigError([`Cannot read ${name}: expected an object, { "key": value, … }`]);
  }
  draft.file = { name, text };
  merge(draft, value, { prefix: "", source: name });
}

/** A source, with the line where it is the file. */
function placed(source: string, keys: readonly string[], { file }: Draft): string {
  const line = file && source === file.name ? lineOf(file.text, keys) : undefined;
  return line === undefined ? source : `${source}, line ${line}`;
}

function whyUnreadable(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) {
    return "it lies outside the folder ClockBlock is started in, which it may not read. Move it there";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "this user may not read it. Change its permissions";
  }
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder. Name a file";
  return errorMessage(error);
}

function addEnvironment(draft: Draft, env: Readonly<Record<string, string>>): void {
  const byVariable = new Map(configKeys.map((key) => [key.variable, key.path]));
  for (const block of configBlocks) byVariable.set(variableOf(block), block);
  // Blocks before their keys, so that the more exact variable wins.
  for (const variable of Object.keys(env).sort()) {
    if (!variable.toUpperCase().startsWith("CLOCKBLOCK_")) continue;
    const path = byVariable.get(variable.toUpperCase());
    if (path === undefined) {
      const near = nearest(variable, byVariable.keys());
      draft.problems.push(`Unknown environment variable ${variable}${didYouMean(near)}`);
    } else addText(draft, env[variable]!, { path, source: variable });
  }
}

/** Takes a value that came as text, by what its key takes. */
function addText(
  draft: Draft,
  text: string,
  { path, source }: { path: string; source: string },
): void {
  const key = configKey(path);
  let value: Json;
  try {
    value = valueOf(text, key);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    draft.problems.push(`Cannot use ${source}: it is not valid JSON, ${error.message}`);
    return;
  }
  if (key) set(draft, path, { value, source });
  else if (isObject(value)) merge(draft, value, { prefix: path, source });
  else draft.problems.push(`Cannot use ${source}: expected a JSON object for the block ${path}`);
}

function valueOf(text: string, key: ConfigKey | undefined): Json {
  const trimmed = text.trim();
  if (!key) return parseConfigText(trimmed);
  if (key.nullable && (trimmed === "" || trimmed === "null")) return null;
  const { kinds } = key;
  if (/^[[{]/.test(trimmed) && (kinds.has("list") || kinds.has("object"))) {
    return parseConfigText(trimmed);
  }
  if (kinds.has("number") && /^-?\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (kinds.has("boolean") && /^(true|false)$/i.test(trimmed)) {
    return trimmed.toLowerCase() === "true";
  }
  return text;
}

/** Lays an object's keys over the draft. */
function merge(
  draft: Draft,
  values: JsonObject,
  { prefix, source }: { prefix: string; source: string },
): void {
  for (const [name, value] of Object.entries(values)) {
    const path = prefix ? `${prefix}.${name}` : name;
    if (configKey(path)) set(draft, path, { value, source });
    else if (!configBlocks.has(path)) {
      const where = placed(source, path.split("."), draft);
      draft.problems.push(`Unknown key ${path} in ${where}${didYouMean(nearestKey(path))}`);
    } else if (isObject(value)) merge(draft, value, { prefix: path, source });
    // A block may be switched off as a whole.
    else if (value !== null) set(draft, path, { value, source });
  }
}

function set(
  { values, sources }: Draft,
  path: string,
  { value, source }: { value: Json; source: string },
): void {
  const parts = path.split(".");
  let block = values;
  for (const part of parts.slice(0, -1)) {
    const inner = block[part];
    const next: { [key: string]: Json } = isObject(inner) ? { ...inner } : {};
    block[part] = next;
    block = next;
  }
  block[parts.at(-1)!] = value;
  sources.set(path, source);
}

/** `url` → `supabase.url`: a key that was put into the wrong block is the nearest one too. */
function nearestKey(path: string): string | undefined {
  const all = [...configKeys.map((key) => key.path), ...configBlocks];
  const name = (of: string) => of.slice(of.lastIndexOf(".") + 1);
  const moved = () => {
    const near = nearest(name(path), all.map(name));
    return near && all.find((candidate) => name(candidate) === near);
  };
  const block = path.slice(0, path.lastIndexOf(".") + 1);
  const sibling = nearest(
    path,
    all.filter((candidate) => candidate === block + name(candidate)),
  );
  return sibling ?? moved();
}

function didYouMean(near: string | undefined): string {
  return near ? `. Did you mean ${near}?` : ". All keys are listed by clockblock --help";
}

function describeIssue(issue: v.BaseIssue<unknown>, draft: Draft): string {
  const { sources } = draft;
  const parts = issue.path?.map((item) => String(item.key)) ?? [];
  const path = parts.join(".");
  const owner = ownerOf(parts);
  const source = sources.get(owner);
  const where = source?.startsWith("--")
    ? ` from ${source}`
    : source
    ? ` in ${placed(source, parts, draft)}`
    : "";
  const state = isSecret(owner) ? "" : `it is ${show(issue.input)}, `;
  return `Cannot use ${path}${where}: ${state}${issue.message}`;
}

/** The configuration key that a place inside a value belongs to: `attendance.devices.0.sn` → `attendance.devices`. */
function ownerOf(parts: readonly string[]): string {
  for (let length = parts.length; length > 0; length--) {
    const path = parts.slice(0, length).join(".");
    if (configKey(path) || configBlocks.has(path)) return path;
  }
  return parts.join(".");
}

function isSecret(path: string): boolean {
  return configKeys.some((key) =>
    key.secret && (key.path === path || key.path.startsWith(`${path}.`))
  );
}

function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value === undefined) return "missing";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value).replace(/\/\/[^/]*@/, "//…@");
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function within(folder: string | undefined, path: string): string {
  return folder === undefined || isAbsolute(path) ? path : join(folder, path);
}

/** Where a link leads: a database, its log and its lock lie side by side, whatever other names it has. */
function realFile(path: string): string {
  try {
    if (!Deno.lstatSync(path).isSymlink) return path;
  } catch {
    // Missing or not accessible: the attempt to open it reports that.
    return path;
  }
  try {
    return Deno.realPathSync(path);
  } catch {
    // To a file that is still to be made.
    return resolve(dirname(path), Deno.readLinkSync(path));
  }
}
