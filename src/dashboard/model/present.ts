/** Who is here today, as far as punches tell. @module */
import type { Punch } from "../live/answers.ts";

export interface Person {
  readonly id: string;
  readonly name: string | null;
  readonly first: string;
  readonly last: string;
  readonly punches: number;
  /** By the last punch, where the device says so; null where it does not. */
  readonly inside: boolean | null;
}

/** The persons of these punches, in any order: who has left comes last, who punched last first. */
export function presentOf(punches: readonly Punch[]): Person[] {
  const persons = new Map<string, Person>();
  const inOrder = punches.toSorted((a, b) => a.punched_at < b.punched_at ? -1 : 1);
  for (const { person_id, person_name, punched_at, in_out } of inOrder) {
    const known = persons.get(person_id);
    persons.set(person_id, {
      id: person_id,
      name: person_name ?? known?.name ?? null,
      first: known?.first ?? punched_at,
      last: punched_at,
      punches: (known?.punches ?? 0) + 1,
      inside: in_out === 0 ? true : in_out === 1 ? false : null,
    });
  }
  const left = ({ inside }: Person) => Number(inside === false);
  return [...persons.values()].sort((a, b) => left(a) - left(b) || (a.last < b.last ? 1 : -1));
}
