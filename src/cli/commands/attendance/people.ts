/** `clockblock people list|set|import|export|erase`: whom the attendance devices know by their numbers. @module */
import { isAbsolute, join } from "node:path";
import { buildCommand, buildRouteMap, type RouteMap } from "@stricli/core";
import type { Erased, PeopleImport, Person } from "../../../contract/attendance.ts";
import { errorMessage } from "../../../core/mod.ts";
import type { Context } from "../../context.ts";
import { UsageError } from "../../exit.ts";
import { argument, jsonFlag, switchFlag, textFlag } from "../../flags.ts";
import { confirmed, type Io } from "../../io.ts";
import { jsonText } from "../../rows.ts";
import { withAgent } from "../../session.ts";
import { columns, count, harmless } from "../../terminal.ts";
import { agentCommand } from "../agent_command.ts";

const PAGE_PEOPLE = 1_000;

const which = argument("Which person: one of the ids, as people list shows them", "id");

const list = agentCommand<{ json: boolean }>({
  brief: "Show people: ids, name, department, whether they have left",
  flags: { json: jsonFlag },
  async run({ client, stdout, paint }, { json }) {
    const pages = client.pages<Person>("/people", { limit: PAGE_PEOPLE });
    const people = (await Array.fromAsync(pages)).flat();
    if (json) return stdout.write(jsonText(people));
    if (people.length === 0) return stdout.write("No device has sent a person's number\n");
    stdout.write(columns(people.map(({ person_id, name, department, active, aliases }) => [
      [person_id, ...aliases].join(" "),
      name === null ? paint("dim", "no name") : harmless(name),
      harmless(department ?? ""),
      active ? "" : paint("dim", "has left"),
    ])));
  },
});

interface SetFlags {
  name?: string;
  department?: string;
  active?: boolean;
  alias?: readonly string[];
}

const set = agentCommand<SetFlags, [string]>({
  brief: "Say who a person is: this stands against devices and imports",
  flags: {
    name: textFlag("What the person is called"),
    department: textFlag("The department"),
    active: { kind: "boolean", brief: "Whether the person still comes", optional: true },
    alias: {
      ...textFlag("Another id of the same person; given once for each", "id"),
      variadic: true,
    },
  },
  positional: { kind: "tuple", parameters: [which] },
  async run({ client, stdout }, { alias: aliases, ...fields }, id) {
    const person = await client.put<Person>(pathOf(id), { ...fields, aliases });
    stdout.write(`${described(person)}\n`);
  },
});

function pathOf(id: string, rest = ""): string {
  return `/people/${encodeURIComponent(id)}${rest}`;
}

function described({ person_id, name, department, active, aliases }: Person): string {
  const words = [
    `${person_id}: ${name === null ? "no name" : harmless(name)}`,
    ...(department === null ? [] : [harmless(department)]),
    ...(aliases.length === 0 ? [] : [`also ${aliases.join(", ")}`]),
    ...(active ? [] : ["has left"]),
  ];
  return words.join(", ");
}

const importList = buildCommand<{ dryRun: boolean; json: boolean }, [string], Context>({
  docs: { brief: "Take names, departments and ids from a CSV file" },
  parameters: {
    flags: { dryRun: switchFlag("Show what would change, and write nothing"), json: jsonFlag },
    positional: {
      kind: "tuple",
      parameters: [argument("The file; - reads what is piped in", "csv")],
    },
  },
  async func({ dryRun, json }, file) {
    const bytes = await bytesOf(file, this.io);
    const { stdout, stderr } = this.io;
    await withAgent(this, async (client) => {
      const path = `/people/import${dryRun ? "?dry_run=true" : ""}`;
      const result = await client.upload<PeopleImport>(path, { bytes, type: "text/csv" });
      if (json) return stdout.write(jsonText(result));
      const { added, changed, unchanged, problems } = result;
      for (const person of added) stdout.write(`+ ${described(person)}\n`);
      for (const { before, after } of changed) {
        stdout.write(`- ${described(before)}\n+ ${described(after)}\n`);
      }
      for (const { line, message } of problems) {
        stderr.write(`line ${line}: ${harmless(message)}\n`);
      }
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
    throw new UsageError(`Cannot import "${file}": ${whyUnreadable(error)}`);
  }
}

function whyUnreadable(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.NotCapable) {
    return "it lies outside the agent's folder. Copy it there, or pipe it in: " +
      "clockblock people import - < file";
  }
  return errorMessage(error);
}

const exportPerson = agentCommand<NonNullable<unknown>, [string]>({
  brief: "Print everything that is kept of a person, as JSON",
  positional: { kind: "tuple", parameters: [which] },
  async run({ client, stdout }, _flags, id) {
    stdout.write(jsonText(await client.get(pathOf(id, "/export"))));
  },
});

const erase = agentCommand<{ yes: boolean }, [string]>({
  brief: "Erase what is kept of a person: name, ids, punches",
  flags: { yes: switchFlag("Do not ask") },
  positional: { kind: "tuple", parameters: [which] },
  async run({ client, context: { io }, stdout }, { yes }, id) {
    const person = await client.get<Person>(pathOf(id));
    const question = `Erase ${described(person)} with all punches, for good?`;
    if (!yes && !await confirmed(io, question)) {
      throw new UsageError(`Cannot erase ${id} without a yes: say it, or give --yes`);
    }
    const { punches } = await client.post<Erased>(pathOf(id, "/erase"));
    stdout.write(
      `${described(person)}: erased, with ${count(punches)} punches. ` +
        "Erase the person at the devices too: they send what they hold\n",
    );
  },
});

export const peopleCommand: RouteMap<Context> = buildRouteMap({
  routes: { list, set, import: importList, export: exportPerson, erase },
  docs: { brief: "People whom the devices know: names, departments, ids; import, export, erase" },
});
