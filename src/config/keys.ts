/**
 * Every configuration key by its path, with the names it has as a flag and as an environment variable: read off the
 * schema, so that a new key is there everywhere at once.
 * @module
 */
import * as v from "valibot";
import { configSchema } from "./schema.ts";

/** What a key takes, as far as that decides how text becomes a value. */
type Kind = "number" | "boolean" | "string" | "list" | "object";

export interface ConfigKey {
  /** `events.flush.active_sec` */
  path: string;
  /** `--events.flush.active-sec` */
  flag: string;
  /** `CLOCKBLOCK_EVENTS__FLUSH__ACTIVE_SEC` */
  variable: string;
  /** What it is for, in a few words. */
  description: string;
  /** The default value. */
  defaultValue: unknown;
  kinds: ReadonlySet<Kind>;
  /** Whether it takes `null` for "not configured". */
  nullable: boolean;
  /** Whether its value must not be shown. */
  secret: boolean;
}

/** As much of a valibot schema as is read here. */
interface Node {
  type: string;
  wrapped?: Node;
  default?: unknown;
  entries?: Readonly<Record<string, Node>>;
  options?: readonly (Node | string)[];
}

/** The keys that hold a value, in the order of the schema. */
export const configKeys: readonly ConfigKey[] = leaves(configSchema as unknown as Node, []);

/** The keys that hold other keys: `supabase`, `events.flush`. */
export const configBlocks: ReadonlySet<string> = new Set(
  configKeys.flatMap(({ path }) => {
    const parts = path.split(".");
    return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("."));
  }),
);

const byPath = new Map(configKeys.map((key) => [key.path, key]));

export function configKey(path: string): ConfigKey | undefined {
  return byPath.get(path);
}

/** The flag of a key. */
export function flagOf(path: string): string {
  return `--${path.replaceAll("_", "-")}`;
}

/** The environment variable of a key or a block. */
export function variableOf(path: string): string {
  return `CLOCKBLOCK_${path.toUpperCase().replaceAll(".", "__")}`;
}

function leaves(node: Node, path: readonly string[]): ConfigKey[] {
  return Object.entries(node.entries ?? {}).flatMap(([name, entry]) => {
    const here = [...path, name];
    const inner = unwrapped(entry);
    // Only blocks are plain objects; objects that are values are strict.
    return inner.type === "object" ? leaves(inner, here) : [leaf(entry, here)];
  });
}

function leaf(entry: Node, path: readonly string[]): ConfigKey {
  const inner = unwrapped(entry);
  const about = inner as unknown as v.GenericSchema;
  return {
    path: path.join("."),
    flag: flagOf(path.join(".")),
    variable: variableOf(path.join(".")),
    description: v.getDescription(about) ?? "",
    defaultValue: entry.default,
    kinds: kindsOf(inner),
    nullable: entry.wrapped?.type === "nullable",
    secret: v.getMetadata(about)["secret"] === true,
  };
}

function unwrapped(node: Node): Node {
  return node.wrapped ? unwrapped(node.wrapped) : node;
}

function kindsOf(node: Node): Set<Kind> {
  switch (node.type) {
    case "number":
    case "boolean":
      return new Set([node.type]);
    case "array":
      return new Set(["list"]);
    case "strict_object":
      return new Set(["object"]);
    case "union":
      return new Set((node.options ?? []).flatMap((option) => [...kindsOf(option as Node)]));
    default:
      return new Set(["string"]);
  }
}
