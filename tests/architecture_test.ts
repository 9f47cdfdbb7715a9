/**
 * Who may import whom, compared with the module graph (type imports too) and with docs/architecture.md.
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath as fromFileUrl } from "node:url";

/** room → rooms it may import besides itself. `streams/*` and `remotes/*` are a room each. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: ["deno.json"],
  contract: [],
  config: ["core"],
  store: ["core"],
  "streams/mod.ts": ["core", "store", "streams/*"],
  "streams/*": ["core", "contract", "store"],
  "remotes/*": ["core"],
  sync: ["core", "contract", "store"],
  api: ["core", "contract", "store", "sync"],
  client: ["contract"],
  dashboard: ["client", "contract", "dist"],
  "clouds.ts": ["core", "config", "streams/mod.ts", "remotes/*"],
  "device_id.ts": ["core", "store"],
  "agent.ts": [
    "core",
    "config",
    "store",
    "streams/mod.ts",
    "clouds.ts",
    "device_id.ts",
    "sync",
    "api",
    "dashboard",
  ],
  cli: ["agent.ts", "config", "core", "contract", "store", "sync"],
  "main.ts": ["cli"],
};

/** npm package → the rooms that may know it. */
const ONLY_KNOWN_TO: Readonly<Record<string, readonly string[]>> = {
  "node:sqlite": ["store"],
  "hono": ["api"],
  "jsonc-parser": ["config"],
  "@supabase/supabase-js": ["remotes/supabase", "dashboard"],
  "@stricli/core": ["cli"],
  "@logtape/file": ["cli"],
  "preact": ["dashboard"],
  "@preact/signals": ["dashboard"],
};

interface Module {
  specifier: string;
  dependencies?: { specifier: string; code?: Resolved; type?: Resolved }[];
}
type Resolved = { specifier?: string };

const root = fromFileUrl(new URL("../", import.meta.url));

const modules = await moduleGraph();

Deno.test("Every import keeps to the rooms it may know", () => {
  const wrong = modules.flatMap(({ path, imports }) =>
    imports.filter((target) => !allowed(roomOf(path), target)).map((target) =>
      `${path} → ${target}`
    )
  );
  assert.deepEqual(wrong, []);
});

Deno.test("docs/architecture.md has these rules", async () => {
  const text = await Deno.readTextFile(`${root}docs/architecture.md`);
  const rows = [...text.matchAll(/^\| `([^`]+)` +\|[^|]+\| ([^|]*)\|$/gm)];
  const written = rows.map(([, room, rule]) => [
    room,
    [...rule!.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  ]);
  assert.deepEqual(Object.fromEntries(written), MAY_IMPORT);
});

Deno.test("No two files import each other, by however many steps", () => {
  const edges = new Map(modules.map(({ path, imports }) => [path, imports]));
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) return void cycles.push([...trail, path].join(" → "));
    if (done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  assert.deepEqual(cycles, []);
});

Deno.test("Only main.ts ends the process", async () => {
  const exiting: string[] = [];
  for (const { path } of modules) {
    if (/\bDeno\.exit\(/.test(await Deno.readTextFile(root + path))) exiting.push(path);
  }
  assert.deepEqual(exiting, ["main.ts"]);
});

Deno.test("No statement limits its rows by a bare parameter, which SQLite prepares again at every run", async () => {
  const found: string[] = [];
  for (const path of await sources("src")) {
    if (path === "src/store/database.ts") continue;
    if (/\bLIMIT\s+[?:@$](?!\{)/.test(await Deno.readTextFile(root + path))) found.push(path);
  }
  assert.deepEqual(found, [], "use `LIMIT` of store/database.ts");
});

/** `src/streams/playtime/poller.ts` → `streams/playtime`; `src/sync/lane.ts` → `sync`. */
function roomOf(path: string): string {
  const parts = path.replace(/^src\//, "").split("/");
  return parts[0] === "streams" || parts[0] === "remotes"
    ? parts.slice(0, 2).join("/")
    : parts[0] ?? "";
}

function allowed(room: string, target: string): boolean {
  const rule = MAY_IMPORT[room] ?? MAY_IMPORT[`${room.split("/")[0]}/*`] ?? [];
  if (target.includes(":")) {
    const known = Object.entries(ONLY_KNOWN_TO)
      .find(([name]) => target === name || target.startsWith(`npm:${name}`));
    return !known || known[1].includes(room);
  }
  const to = roomOf(target);
  if (to === room || rule.includes(to)) return true;
  return to !== "streams/mod.ts" && rule.includes(`${to.split("/")[0]}/*`);
}

/** Every file under `src/`, and `main.ts`, with what it imports: paths from the root, or `npm:` and `node:` names. */
async function moduleGraph(): Promise<{ path: string; imports: string[] }[]> {
  const files = ["main.ts", ...await sources("src")];
  const graph = new Map<string, string[]>();
  for (const file of files) {
    if (graph.has(file)) continue;
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", file],
      cwd: root,
    }).output();
    const info = JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] };
    for (const { specifier, dependencies } of info.modules) {
      if (!specifier.startsWith("file:")) continue;
      const path = fromFileUrl(new URL(specifier)).slice(root.length).replaceAll("\\", "/");
      const targets = (dependencies ?? []).flatMap(({ code, type }) =>
        [code?.specifier, type?.specifier].filter((target) => target !== undefined)
      );
      graph.set(path, [
        ...new Set(
          targets.map((target) =>
            target.startsWith("file:")
              ? fromFileUrl(new URL(target)).slice(root.length).replaceAll("\\", "/")
              : target
          ),
        ),
      ]);
    }
  }
  return [...graph].filter(([path]) => path === "main.ts" || path.startsWith("src/"))
    .map(([path, imports]) => ({ path, imports }));
}

async function sources(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(root + folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await sources(path));
    else if (/\.tsx?$/.test(entry.name)) found.push(path);
  }
  return found;
}
