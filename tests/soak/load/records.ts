/**
 * Two who edit records: an application on this machine and somebody in the cloud. Some records only one of them
 * edits, and what he wrote last has to stand in the end; some both edit, and then both sides have to agree.
 * @module
 */
import type { Cloud } from "../../support/servers/cloud.ts";
import { type Caller, pause } from "./caller.ts";
import { type Random, randomOf } from "./random.ts";

export const SYSTEM = "soak-pc";
const RECORDS = 20;
const PAUSE_MS = [100, 800] as const;
const LARGE_SHARE = 0.03;
/** The API takes a body of 1 MiB. */
const LARGE_CHARACTERS = [100_000, 400_000, 1_048_000] as const;

/** What a record says; null when it was deleted. */
export type Said = { name: string; status: string } | null;

export class RecordsLoad {
  /** What was acknowledged last of the records that only this machine edits. */
  readonly ours = new Map<string, Said>();
  /** What the cloud said last of those that only it edits. */
  readonly theirs = new Map<string, Said>();
  edits = 0;
  readonly #seed: number;
  readonly #caller: Caller;
  readonly #cloud: Cloud;

  constructor({ seed, caller, cloud }: { seed: number; caller: Caller; cloud: Cloud }) {
    this.#seed = seed;
    this.#caller = caller;
    this.#cloud = cloud;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#editHere(signal), this.#editThere(signal)]);
  }

  async #editHere(signal: AbortSignal): Promise<void> {
    const random = randomOf(this.#seed, "editor here");
    for (let count = 0; !signal.aborted; count++) {
      const shared = random() < 0.3;
      const id = `${shared ? "shared" : "ours"}-${random.below(RECORDS)}`;
      const said = sayingOf(random, { name: `${id} ${count}`, status: "here" });
      while (!await this.#write(id, said)) await pause(50);
      this.edits++;
      if (!shared) this.ours.set(id, said);
      await pause(random.between(...PAUSE_MS));
    }
  }

  async #write(id: string, said: Said): Promise<boolean> {
    const path = `/records/projects/${id}`;
    if (said) {
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify(said);
      return !!await this.#caller.ask(path, { method: "PUT", headers, body });
    }
    // One that is not there is deleted already.
    return await this.#caller.ask(path, { method: "DELETE" }) !== undefined;
  }

  async #editThere(signal: AbortSignal): Promise<void> {
    const random = randomOf(this.#seed, "editor there");
    for (let count = 0; !signal.aborted; count++) {
      const shared = random() < 0.3;
      const id = `${shared ? "shared" : "theirs"}-${random.below(RECORDS)}`;
      const said = sayingOf(random, { name: `${id} ${count}`, status: "there" });
      await this.#cloud.sql(
        `INSERT INTO projects (id, system_id, name, status, deleted_at)
         VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN now() END)
         ON CONFLICT ON CONSTRAINT projects_pkey DO UPDATE SET name = coalesce(excluded.name, projects.name),
           status = coalesce(excluded.status, projects.status),
           deleted_at = excluded.deleted_at, updated_at = now()`,
        [id, SYSTEM, said?.name ?? null, said?.status ?? null, said === null],
      );
      this.edits++;
      if (!shared) this.theirs.set(id, said);
      await pause(random.between(...PAUSE_MS));
    }
  }
}

/** Now and then a deletion, or a record of hundreds of KB. */
function sayingOf(random: Random, { name, status }: NonNullable<Said>): Said {
  const kind = random();
  if (kind < 0.1) return null;
  const large = kind < 0.1 + LARGE_SHARE;
  return { name, status: large ? status.padEnd(random.pick(LARGE_CHARACTERS), ".") : status };
}
