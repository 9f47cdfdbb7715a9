/**
 * What the agent may do, as command line flags of Deno. The set itself is in `deno.json` under
 * `permissions.agent` and nowhere else. Flags rather than `-P`, because `-P` resolves `./` against the project's
 * folder and would bake that absolute path into an executable; a flag is resolved where the program is started.
 * @module
 */
import project from "../deno.json" with { type: "json" };
import { programPaths } from "../src/core/programs.ts";

/** The categories the agent uses. Whatever else may be granted (ffi above all) is refused here. */
const CATEGORIES = ["net", "read", "write", "run", "env", "sys"] as const;

type Category = typeof CATEGORIES[number];

/** A permission set as `deno.json` has it, narrowed to the shapes that grant something exact. */
export type PermissionSet =
  & Readonly<
    Partial<
      Record<Category, readonly string[] | { allow: readonly string[]; ignore?: boolean }>
    >
  >
  & { readonly import: { deny: boolean } };

export interface PermissionOptions {
  /** Hosts besides those of the set, `cloud.example.org` or `cloud.example.org:8443`; for a URL, its host and port. */
  hosts?: readonly string[];
  /** Outbound and inbound network without limits: the flavour `clockblock-anyhost`. */
  anyhost?: boolean;
  /** The system the program will run on: the set's programs of other systems are left out. */
  os?: typeof Deno.build.os;
}

/** The set of `deno.json`. */
export const agentPermissions: PermissionSet = project.permissions.agent;

/**
 * What only some systems need. Of programs that are not there Deno would warn at every start, and a right that is of
 * no use is not granted.
 */
const ONLY_ON: Readonly<Record<string, readonly string[]>> = {
  tasklist: ["windows"],
  schtasks: ["windows"],
  whoami: ["windows"],
  ps: ["linux", "darwin"],
  "notify-send": ["linux"],
  DBUS_SESSION_BUS_ADDRESS: ["linux"],
  XDG_RUNTIME_DIR: ["linux"],
  systemctl: ["linux"],
  launchctl: ["darwin"],
  mkdir: ["darwin"],
  cp: ["darwin"],
  rm: ["darwin"],
  homedir: ["darwin"],
};

/**
 * The flags that grant the set, for `deno run` and `deno compile` alike.
 * @throws {TypeError} when the set grants something without limits or of a kind the agent does not use
 */
export function permissionFlags(
  set: PermissionSet = agentPermissions,
  { hosts = [], anyhost = false, os = Deno.build.os }: PermissionOptions = {},
): string[] {
  for (const name of Object.keys(set)) {
    if (name !== "import" && !CATEGORIES.includes(name as Category)) {
      throw new TypeError(`Cannot grant "${name}": the agent's permissions have no such category`);
    }
  }
  if (!set.import?.deny) throw new TypeError('Cannot grant "import": the agent loads no code');

  const flags = ["--no-prompt", "--deny-import"];
  for (const category of CATEGORIES) {
    const { allow, ignore } = grantOf(set, category);
    const values = category === "net"
      ? [...allow, ...hosts.map(hostOf)]
      : category === "run" || category === "sys" || category === "env"
      ? allow.filter((name) => ONLY_ON[name]?.includes(os) ?? true)
        // By name Deno looks them up on the PATH, and 2.7 does not start without one.
        .flatMap((name) => category === "run" ? programPaths(name, os) : name)
      : allow;
    if (category === "net" && anyhost) flags.push("--allow-net");
    else if (values.length > 0) flags.push(`--allow-${category}=${[...new Set(values)].join(",")}`);
    // What is not allowed reads as absent instead of throwing: libraries ask for variables the agent has no use for.
    if (ignore) flags.push(`--ignore-${category}`);
  }
  return flags;
}

function grantOf(
  set: PermissionSet,
  category: Category,
): { allow: readonly string[]; ignore: boolean } {
  const grant: unknown = set[category] ?? [];
  const { allow, ignore = false } = typeof grant === "object" && grant !== null && "allow" in grant
    ? grant as { allow: unknown; ignore?: boolean }
    : { allow: grant };
  if (!Array.isArray(allow) || allow.some((value) => typeof value !== "string" || value === "")) {
    throw new TypeError(`Cannot grant "${category}": expected a list of what is allowed`);
  }
  return { allow, ignore };
}

/** `https://cloud.example.org/in` → `cloud.example.org:443`; a host with or without a port stays as it is. */
export function hostOf(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) {
    const { hostname, port, protocol } = new URL(text);
    return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
  }
  // A wildcard needs a name of two parts after it: `*.com` or `*` would be as good as any host.
  if (/^(\*\.[\w-]+\.)?\w[\w-]*(\.[\w-]+)*(:\d{1,5})?$|^\[[\da-f:.]+\](:\d{1,5})?$/i.test(text)) {
    return text;
  }
  throw new TypeError(
    `Cannot allow the host "${text}": expected a name such as cloud.example.org, with or without a port, or a URL`,
  );
}
