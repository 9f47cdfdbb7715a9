/** Lists of people on their way into the database: what a list changes, and what of it cannot be used. @module */
import type { PeopleImport, Person } from "../../../contract/attendance.ts";
import { inSlices, type Store } from "../../../store/mod.ts";
import { AliasTaken, type People } from "../storage/people.ts";
import { type Listed, type ListProblem, readList } from "./list.ts";

/** People of one write: about 2 ms. */
const SLICE_PEOPLE = 25;

class Undone extends Error {}

/**
 * Imports a list. A dry run does the same and undoes it, write by write.
 * @throws {NoIds}
 */
export async function importPeople(
  text: string,
  { store, people, dryRun }: { store: Store; people: People; dryRun: boolean },
): Promise<PeopleImport> {
  const result: PeopleImport = { added: [], changed: [], unchanged: 0, problems: [] };
  const listed: Listed[] = [];
  const lines = readList(text);
  await inSlices((budget) => {
    do {
      const { value, done } = lines.next();
      if (done) return false;
      if ("message" in value) result.problems.push(value);
      else listed.push(value);
    } while (budget.left());
    return true;
  });
  for (let at = 0; at < listed.length; at += SLICE_PEOPLE) {
    let outcomes: Outcome[] = [];
    await store.write(() => {
      outcomes = listed.slice(at, at + SLICE_PEOPLE).map((one) => apply(one, people));
      if (dryRun) throw new Undone();
    }).catch((error) => {
      if (!(error instanceof Undone)) throw error;
    });
    for (const { before, after, problems } of outcomes) {
      result.problems.push(...problems);
      if (!after) continue;
      if (!before) result.added.push(after);
      else if (isSame(before, after)) result.unchanged++;
      else result.changed.push({ person_id: after.person_id, before, after });
    }
  }
  result.problems.sort((a, b) => a.line - b.line);
  return result;
}

interface Outcome {
  before: Person | undefined;
  /** Undefined when the line could not be used. */
  after?: Person;
  problems: ListProblem[];
}

function apply({ line, personId, change }: Listed, people: People): Outcome {
  const before = people.find(personId);
  try {
    const after = people.set(personId, change, "import");
    const problems = (["name", "department", "active"] as const)
      .filter((key) => change[key] !== undefined && change[key] !== after[key])
      .map((key) => ({
        line,
        message: `"${personId}" keeps ${key} ${
          JSON.stringify(after[key])
        }: a person has entered it`,
      }));
    return { before, after, problems };
  } catch (error) {
    if (!(error instanceof AliasTaken)) throw error;
    return { before, problems: [{ line, message: error.message }] };
  }
}

function isSame(before: Person, after: Person): boolean {
  return JSON.stringify({ ...before, updated_at: "" }) ===
    JSON.stringify({ ...after, updated_at: "" });
}
