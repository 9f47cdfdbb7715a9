/** The documents name files, sections and commands that are there. @module */
import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";
import { fileURLToPath } from "node:url";
import { commands } from "../src/cli/commands/mod.ts";
import { configKeys } from "../src/config/mod.ts";
import { startAgent } from "./support/agent_process.ts";
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

Deno.test("docs/attendance.md begins with a configuration that starts as pasted", async () => {
  const text = Deno.readTextFileSync(`${root}docs/attendance.md`);
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

Deno.test("SECURITY.md names every table and every permission", () => {
  const said = new Set(codeIn(Deno.readTextFileSync(`${root}SECURITY.md`)));
  const { read, write, net, run, env, sys } = project.permissions.agent;
  const granted = [...read, ...write, ...net, ...run, ...env.allow, ...sys];
  const missing = [...tables(), ...granted].filter((name) => !said.has(name));
  assert.deepEqual(missing, []);
});

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
