/** `clockblock people list|set|import|export|erase`: whom the attendance devices know by their numbers. @module */
import { isAbsolute, join } from "node:path";
import { buildCommand, buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import type { Erased, PeopleImport, Person } from "../../../contract/attendance.ts";
import type { Context } from "../../context.ts";
import { UsageError } from "../../exit.ts";
import { jsonFlag } from "../../flags.ts";
import type { Io } from "../../io.ts";
import { withAgent } from "../../session.ts";
import { columns, count, harmless, painter } from "../../terminal.ts";

const PAGE_PEOPLE = 1_000;

const which = {
  parse: String,
  brief: "Which person: one of the ids, as people list shows them",
  placeholder: "id",
} as const;

const list: Command<Context> = buildCommand<{ json: boolean }, [], Context>({
  docs: { brief: "Show people: ids, name, department, whether they have left" },
  parameters: { flags: { json: jsonFlag } },
  async func({ json }) {
    const { stdout } = this.io;
    const paint = painter(stdout);
    await withAgent(this, async (client) => {
      const people: Person[] = [];
      let path: string | null = `/people?limit=${PAGE_PEOPLE}`;
      while (path !== null) {
        const page: { rows: Person[]; next: string | null } = await client.page(path);
        people.push(...page.rows);
        path = page.next;
      }
      if (json) return stdout.write(`${JSON.stringify(people, null, 2)}\n`);
      if (people.length === 0) return stdout.write("No device has sent a person's number\n");
      stdout.write(columns(people.map(({ person_id, name, department, active, aliases }) => [
        [person_id, ...aliases].join(" "),
        name === null ? paint("dim", "no name") : harmless(name),
        harmless(department ?? ""),
        active ? "" : paint("dim", "has left"),
      ])));
    });
  },
});

interface SetFlags {
  name?: string;
  department?: string;
  active?: boolean;
  alias?: readonly string[];
}

function text(brief: string): {
  kind: "parsed";
  parse: typeof String;
  brief: string;
  optional: true;
} {
  return { kind: "parsed", parse: String, brief, optional: true };
}

const set: Command<Context> = buildCommand<SetFlags, [string], Context>({
  docs: { brief: "Say who a person is: this stands against devices and imports" },
  parameters: {
    flags: {
      name: text("What the person is called"),
      department: text("The department"),
      active: { kind: "boolean", brief: "Whether the person still comes", optional: true },
      alias: {
        ...text("Another id of the same person; given once for each"),
        placeholder: "id",
        variadic: true,
      },
    },
    positional: { kind: "tuple", parameters: [which] },
  },
  async func({ name, department, active, alias }, id) {
    await withAgent(this, async (client) => {
      const person = await client.put<Person>(`/people/${encodeURIComponent(id)}`, {
        ...(name === undefined ? {} : { name }),
        ...(department === undefined ? {} : { department }),
        ...(active === undefined ? {} : { active }),
        ...(alias === undefined ? {} : { aliases: alias }),
      });
      this.io.stdout.write(`${described(person)}\n`);
    });
  },
});

function described({ person_id, name, department, active, aliases }: Person): string {
  const words = [
    `${person_id}: ${name === null ? "no name" : harmless(name)}`,
    ...(department === null ? [] : [harmless(department)]),
    ...(aliases.length === 0 ? [] : [`also ${aliases.join(", ")}`]),
    ...(active ? [] : ["has left"]),
  ];
  return words.join(", ");
}

interface ImportFlags {
  dryRun: boolean;
  json: boolean;
}

const importList: Command<Context> = buildCommand<ImportFlags, [string], Context>({
  docs: { brief: "Take names, departments and ids from a CSV file" },
  parameters: {
    flags: {
      dryRun: {
        kind: "boolean",
        brief: "Show what would change, and write nothing",
        default: false,
        withNegated: false,
      },
      json: jsonFlag,
    },
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        brief: "The file; - reads what is piped in",
        placeholder: "csv",
      }],
    },
  },
  async func({ dryRun, json }, file) {
    const bytes = await bytesOf(file, this.io);
    const { stdout, stderr } = this.io;
    await withAgent(this, async (client) => {
      const path = `/people/import${dryRun ? "?dry_run=true" : ""}`;
      const result = await client.upload<PeopleImport>(path, { bytes, type: "text/csv" });
      if (json) return stdout.write(`${JSON.stringify(result, null, 2)}\n`);
      const { added, changed, unchanged, problems } = result;
      stdout.write(added.map((person) => `+ ${described(person)}\n`).join(""));
      stdout.write(
        changed.map(({ before, after }) => `- ${described(before)}\n+ ${described(after)}\n`).join(
          "",
        ),
      );
      stderr.write(
        problems.map(({ line, message }) => `line ${line}: ${harmless(message)}\n`).join(""),
      );
      stdout.write(
        `${count(added.length)} ${dryRun ? "would be new" : "new"}, ${count(changed.length)} ` +
          `${dryRun ? "would change" : "changed"}, ${count(unchanged)} as before, ` +
          `${count(problems.length)} lines with a problem\n`,
      );
    });
  },
});

/** @throws {UsageError} where the file cannot be read */
async function bytesOf(file: string, { cwd, input }: Io): Promise<Uint8Array<ArrayBuffer>> {
  if (file === "-") return await new Response(input()).bytes();
  try {
    return await Deno.readFile(cwd === undefined || isAbsolute(file) ? file : join(cwd, file));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new UsageError(`Cannot import "${file}": there is no such file`);
    }
    if (error instanceof Deno.errors.NotCapable) {
      throw new UsageError(
        `Cannot import "${file}": it lies outside the agent's folder. Copy it there, or pipe it in: ` +
          "clockblock people import - < file",
      );
    }
    throw new UsageError(
      `Cannot import "${file}": ${error instanceof Error ? error.message : error}`,
    );
  }
}

const exportPerson: Command<Context> = buildCommand<Record<never, never>, [string], Context>({
  docs: { brief: "Print everything that is kept of a person, as JSON" },
  parameters: { positional: { kind: "tuple", parameters: [which] } },
  async func(_flags, id) {
    await withAgent(this, async (client) => {
      const kept = await client.get<unknown>(`/people/${encodeURIComponent(id)}/export`);
      this.io.stdout.write(`${JSON.stringify(kept, null, 2)}\n`);
    });
  },
});

const erase: Command<Context> = buildCommand<{ yes: boolean }, [string], Context>({
  docs: { brief: "Erase what is kept of a person: name, ids, punches" },
  parameters: {
    flags: { yes: { kind: "boolean", brief: "Do not ask", default: false, withNegated: false } },
    positional: { kind: "tuple", parameters: [which] },
  },
  async func({ yes }, id) {
    await withAgent(this, async (client) => {
      const path = `/people/${encodeURIComponent(id)}`;
      const person = await client.get<Person>(path);
      if (!yes && !await agreed(this.io, person)) {
        throw new UsageError(`Cannot erase ${id} without a yes: say it, or give --yes`);
      }
      const { punches } = await client.post<Erased>(`${path}/erase`);
      this.io.stdout.write(
        `${described(person)}: erased, with ${count(punches)} punches. ` +
          "Erase the person at the devices too: they send what they hold\n",
      );
    });
  },
});

/** Asks for confirmation; without a terminal the answer is no. */
async function agreed({ stderr, ask }: Io, person: Person): Promise<boolean> {
  if (!stderr.terminal) return false;
  const answer = await ask(`Erase ${described(person)} with all punches, for good? [y/N] `);
  return /^y(es)?$/i.test(answer?.trim() ?? "");
}

export const people: RouteMap<Context> = buildRouteMap<
  "list" | "set" | "import" | "export" | "erase",
  Context
>({
  routes: { list, set, import: importList, export: exportPerson, erase },
  docs: { brief: "People whom the devices know: names, departments, ids; import, export, erase" },
});
