/** The documents name files, sections and commands that are there. @module */
import type { Command, RouteMap } from "@stricli/core";
import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";
import { fileURLToPath } from "node:url";
import { commands } from "../src/cli/commands/mod.ts";
import type { Context } from "../src/cli/context.ts";
import { ConfigError, type ConfigKey, configKeys, loadConfig } from "../src/config/mod.ts";
import { startAgent } from "./support/process/agent_process.ts";
import { tempDir } from "./support/temp.ts";
import { until } from "./support/until.ts";
import project from "../deno.json" with { type: "json" };

const root = fileURLToPath(new URL("../", import.meta.url));

const paths = ["README.md", "SECURITY.md", ...names("docs").filter((name) => name.endsWith(".md"))];
const documents = paths.map((path) => ({ path, text: Deno.readTextFileSync(root + path) }));

for (const { path, text } of documents) {
  Deno.test(`${path} links to files and sections that are there`, () => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
    const broken = links.filter((link) => !/^(https?:|mailto:)/.test(link) && !leads(path, link));
    assert.deepEqual(broken, []);
  });

  Deno.test(`${path} names commands, tasks and flags that are there`, () => {
    const unknown: string[] = [];
    for (const code of codeIn(text)) {
      for (const [, name] of code.matchAll(/(?<![\w./-])clockblock ([a-z]+)\b/g)) {
        if (!(name! in commands)) unknown.push(`clockblock ${name}`);
      }
      for (const [, name] of code.matchAll(/\bdeno(?:@[\d.]+)? task ([a-z][a-z:]*)/g)) {
        if (!(name! in project.tasks)) unknown.push(`deno task ${name}`);
      }
      for (const [, flag] of code.matchAll(/\bclockblock [a-z]+(?: [a-z]+)? (--[a-z][a-z.-]+)/g)) {
        if (!isFlag(flag!)) unknown.push(`clockblock … ${flag}`);
      }
    }
    assert.deepEqual(unknown, []);
  });
}

Deno.test("README.md has at most 150 lines, and docs/README.md lists every page", () => {
  assert.ok(textOf("README.md").split("\n").length <= 151);
  const listed = [...textOf("docs/README.md").matchAll(/^- \[[^\]]+\]\(([^)]+)\): /gm)]
    .map(([, link]) => join("docs", link!));
  const pages = [...paths.filter((path) => path !== "README.md" && path !== "docs/README.md")];
  assert.deepEqual(listed.sort(), pages.sort());
});

Deno.test("docs/configuration.md has every key with its default and its limits, and no other", () => {
  const text = textOf("docs/configuration.md");
  const rows = [...text.matchAll(/^\| `([\w.]+)` +\| ([^|]+) \|(.*)$/gm)]
    .map(([, path, value, rest]) => ({ path: path!, value: value!.trim(), rest: rest! }));
  assert.deepEqual(rows.map(({ path }) => path).sort(), configKeys.map(({ path }) => path).sort());
  for (const { path, value, rest } of rows) {
    const key = configKeys.find((each) => each.path === path)!;
    if (key.defaultValue !== null) {
      const said = value.endsWith("listed below") ? text : value;
      const written = JSON.stringify(key.defaultValue);
      assert.ok(
        [...said.matchAll(/`([^`]+)`/g)].some(([, code]) => sameJson(code!, written)),
        path,
      );
    } else assert.ok(!isJson(value.replaceAll("`", "")), `${path} has no default, not ${value}`);
    const limits = limitsOf(key);
    if (limits) assert.ok(rest.includes(` ${limits} `), `${path}: ${limits}`);
  }
});

Deno.test("README.md names keys of the configuration and their defaults", () => {
  const rows = [...textOf("README.md").matchAll(/^\| `([a-z_]+)` +\| ([^|]+?) +\|/gm)];
  assert.equal(rows.length, 10);
  for (const [, name, value] of rows) {
    const key = configKeys.find(({ path }) => path === name);
    assert.ok(key || configKeys.some(({ path }) => path.startsWith(`${name}.`)), name);
    if (key?.defaultValue != null) assert.equal(value, String(key.defaultValue));
  }
});

Deno.test("docs/commands.md has every command with its flags, and no other", () => {
  const items = textOf("docs/commands.md").matchAll(/^- `clockblock ([^`]+)`/gm);
  const written = [...items].map(([, usage]) => {
    const [, name, rest] = /^([a-z]+(?: [a-z]+)?)( .*)?$/.exec(usage!)!;
    return [name, [...(rest ?? "").matchAll(/--[a-z-]+/g)].map(([flag]) => flag).sort()];
  });
  const there = Object.entries(commands).flatMap(([name, command]) => usages(name, command));
  assert.deepEqual(written.sort(), there.sort());
});

Deno.test("docs/api.md names every path of /openapi.json, and no other", async () => {
  using dir = tempDir();
  await using agent = await startAgent({ dir: dir.path, args: ["run", "--api-port=0"] });
  const { paths } = await (await fetch(`${agent.url}/openapi.json`)).json();
  const [, table] = /^\| paths([\s\S]*?)^$/m.exec(textOf("docs/api.md"))!;
  const written = [...table!.matchAll(/`(\/[^`]*)`/g)].map(([, path]) => path!);
  assert.deepEqual(written.sort(), Object.keys(paths).sort());
});

Deno.test("docs/dependencies.md names every package", () => {
  const said = new Set(codeIn(textOf("docs/dependencies.md")));
  assert.deepEqual(Object.keys(project.imports).filter((name) => !said.has(name)), []);
});

Deno.test("docs/attendance.md begins with a configuration that starts as pasted", async () => {
  const text = textOf("docs/attendance.md");
  const [, pasted] = /^```json\n([\s\S]*?)^```/m.exec(text) ?? [];
  using dir = tempDir();
  Deno.writeTextFileSync(`${dir.path}/config.json`, pasted!);
  // Its ports may be in use here.
  const args = ["run", "--api-port=0", "--attendance.host=127.0.0.1", "--attendance.port=0"];
  await using agent = await startAgent({ dir: dir.path, args });
  await until(async () => {
    const { attendance, warnings } = await (await fetch(`${agent.url}/status`)).json();
    assert.deepEqual(warnings, []);
    return attendance.listening !== null;
  }, "it listens for devices");
  const devices = await (await fetch(`${agent.url}/devices`)).json();
  assert.deepEqual(devices.map(({ name }: { name: string }) => name), ["Front door"]);
});

for (const path of ["SECURITY.md", "docs/permissions.md"]) {
  Deno.test(`${path} names every permission`, () => {
    const said = new Set(codeIn(textOf(path)));
    const { read, write, net, run, env, sys } = project.permissions.agent;
    const granted = [...read, ...write, ...net, ...run, ...env.allow, ...sys];
    assert.deepEqual(granted.filter((name) => !said.has(name)), []);
  });
}

Deno.test("SECURITY.md names every table", () => {
  const said = new Set(codeIn(textOf("SECURITY.md")));
  assert.deepEqual(tables().filter((name) => !said.has(name)), []);
});

function textOf(path: string): string {
  return documents.find((document) => document.path === path)!.text;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function sameJson(text: string, json: string): boolean {
  return isJson(text) && JSON.stringify(JSON.parse(text)) === json;
}

/** What the configuration says to a number that is too small: `1 to 3600`; undefined for what is no number. */
function limitsOf({ path, kinds }: ConfigKey): string | undefined {
  if (!kinds.has("number")) return undefined;
  const readFile = () => {
    throw new Deno.errors.NotFound();
  };
  try {
    loadConfig({ flags: new Map([[path, "-1"]]), readFile });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return /from (\d+ to \d+)/.exec(error.message)?.[1];
  }
  return undefined;
}

/** A command as `name, flags`; of a group, those of each of its commands. */
function usages(
  name: string,
  target: Command<Context> | RouteMap<Context>,
): [name: string, flags: string[]][] {
  if ("getAllEntries" in target) {
    return target.getAllEntries().flatMap((entry) =>
      usages(`${name} ${entry.name.original}`, entry.target)
    );
  }
  const flags = Object.keys(target.parameters.flags ?? {});
  return [[name, flags.map((flag) => `--${kebab(flag)}`).sort()]];
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The tables that the streams' and the store's migrations make. */
function tables(): string[] {
  const rooms = ["store", ...folders("src/streams").map((name) => `streams/${name}`)];
  return rooms.flatMap((room) => {
    const text = Deno.readTextFileSync(`${root}src/${room}/migrations.ts`);
    return [...text.matchAll(/CREATE TABLE (?:IF NOT EXISTS )?(\w+)/g)].map(([, name]) => name!);
  });
}

/** Fenced blocks, and what stands between backticks. */
function codeIn(text: string): string[] {
  return [...text.matchAll(/^ *```[^\n]*\n([\s\S]*?)^ *```|`([^`\n]+)`/gm)]
    .map(([, block, span]) => block ?? span ?? "");
}

/** Whether a link from a document leads to a file, and to a heading in it. */
function leads(from: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? from : join(dirname(from), path);
  try {
    if (anchor === undefined) return Deno.statSync(root + target) !== undefined;
    return headings(Deno.readTextFileSync(root + target)).includes(anchor);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The anchors that GitHub gives to headings. */
function headings(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!.toLowerCase().replaceAll(/[^\p{L}\p{N}\s-]/gu, "").replaceAll(" ", "-")
  );
}

/** A flag of the configuration, or one that a command's source knows. */
function isFlag(flag: string): boolean {
  if (flag === "--config" || configKeys.some((key) => key.flag === flag)) return true;
  const inCode = flag.slice(2).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return sources.includes(`${inCode}: {`) || sources.includes(`${inCode}: `);
}

const sources = names("src/cli/commands").map((path) => Deno.readTextFileSync(root + path)).join();

function names(folder: string): string[] {
  return [...Deno.readDirSync(root + folder)].filter(({ isFile }) => isFile)
    .map(({ name }) => `${folder}/${name}`).sort();
}

function folders(folder: string): string[] {
  return [...Deno.readDirSync(root + folder)].filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => name);
}
