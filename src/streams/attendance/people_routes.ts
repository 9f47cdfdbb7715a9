/** People over HTTP: who they are, and by which numbers devices know them. @module */
import * as v from "valibot";
import { erased, peopleImport, person, type PersonSource } from "../../contract/attendance.ts";
import { listing, pageQuery, Problem, type Route, route, STORING, yesNo } from "../../core/mod.ts";
import { decodeCsv } from "./people/csv.ts";
import { dossierOf } from "./people/dossier.ts";
import { erase, type ErasureOptions } from "./people/erasure.ts";
import { importPeople } from "./people/import.ts";
import { jsonOf } from "./people/json.ts";
import { NoIds } from "./people/list.ts";
import { personId } from "./params.ts";
import { AliasTaken, type PersonChange } from "./storage/people.ts";

const MAX_ALIASES = 100;
/** Some 60 000 people. */
const MAX_LIST_BYTES = 4 << 20;

const ofPerson = v.object({
  id: v.pipe(personId, v.description("one of the person's ids")),
});

const words = v.nullable(v.pipe(
  v.string("expected text"),
  v.trim(),
  v.regex(/^[^\p{Cc}]{0,100}$/u, "expected at most 100 characters"),
));

const change = v.pipe(
  v.strictObject({
    name: v.optional(words),
    department: v.optional(words),
    active: v.optional(v.boolean()),
    aliases: v.optional(v.pipe(
      v.array(personId),
      v.maxLength(MAX_ALIASES, `expected at most ${MAX_ALIASES} ids`),
    )),
  }, "expected an object such as { name, department, active, aliases }"),
  v.metadata({
    description: "what is so from now on; what is left out stays",
    examples: [{ name: "Ann Smith", department: "Sales", aliases: ["1007"] }],
  }),
);

const JSON_TYPE = { headers: { "content-type": "application/json" } };
const UNKNOWN = { 404: "No such person." };

export function peopleRoutes(options: ErasureOptions): Route[] {
  const { store, people } = options;
  const tag = "attendance";
  const found = (id: string) => {
    const known = people.find(id);
    if (known) return known;
    throw new Problem(404, "No such person", {
      detail: `no person has the id "${id}", and no device has sent it`,
    });
  };

  /** @throws {Problem} 409 when an alias is another person's */
  async function set(id: string, change: PersonChange, source: Exclude<PersonSource, "device">) {
    try {
      return await store.write(() => people.set(id, change, source));
    } catch (error) {
      if (!(error instanceof AliasTaken)) throw error;
      throw new Problem(409, "Id of another person", {
        detail: `${error.message}: take it from there, or mark that person as left, first`,
        extra: { alias: error.alias, person_id: error.owner },
      });
    }
  }

  return [
    route({
      method: "GET",
      path: "/people",
      summary: "People whom devices know, in the order of their ids",
      tag,
      query: v.strictObject({
        ...pageQuery("after", v.string(), {
          limit: 1_000,
          max: 5_000,
          description: "after the person of this id",
        }),
        department: v.optional(v.pipe(v.string(), v.description("of this department"))),
        active: v.optional(
          v.pipe(yesNo(), v.description("whether they still come; by default both")),
        ),
        q: v.optional(v.pipe(
          v.string(),
          v.maxLength(100),
          v.description("whose name, department or ids contain this"),
        )),
      }),
      answer: v.array(person),
      paged: true,
      handle: ({ query: { limit, after, department, active, q = "" }, raw }) =>
        listing(raw, {
          limit,
          after,
          *read(span) {
            const text = q.trim().toLowerCase();
            for (const person of people.list(span)) {
              const { person_id: at, aliases } = person;
              const fits = (department === undefined || person.department === department) &&
                (active === undefined || person.active === active) &&
                [at, person.name, person.department, ...aliases]
                  .some((words) => words?.toLowerCase().includes(text));
              yield fits ? { at, json: JSON.stringify(person) } : { at };
            }
          },
          next: (after) => ({ after }),
        }),
    }),
    route({
      method: "POST",
      path: "/people/import",
      summary: "Take a list of people from a spreadsheet, or see what it would change",
      tag,
      query: v.strictObject({
        dry_run: v.optional(
          v.pipe(yesNo(), v.description("whether nothing is written, only shown")),
          "false",
        ),
      }),
      reads: {
        "text/csv": v.pipe(
          v.string(),
          v.metadata({
            description:
              "UTF-8 or Windows-1252; cells separated by comma, semicolon or tab; headings in any order: " +
              "person_id (or id, pin, enrollid, employee code, …), name, department, active, aliases",
            examples: ["person_id,name,department,active,aliases\n7,Ann Smith,Sales,yes,1007"],
          }),
        ),
      },
      bodyLimit: MAX_LIST_BYTES,
      problems: { ...STORING, 422: "The list has no column with ids." },
      answer: peopleImport,
      async handle({ query: { dry_run: dryRun }, bytes, readers }) {
        const text = decodeCsv(await bytes());
        try {
          const result = await importPeople(text, { store, people, dryRun });
          return readers.pieces(jsonOf(result), JSON_TYPE);
        } catch (error) {
          if (!(error instanceof NoIds)) throw error;
          throw new Problem(422, "Not a list of people", { detail: error.message });
        }
      },
    }),
    route({
      method: "GET",
      path: "/people/{id}",
      summary: "A person, by any of the person's ids",
      tag,
      params: ofPerson,
      problems: UNKNOWN,
      answer: person,
      handle: ({ params: { id } }) => found(id),
    }),
    route({
      method: "PUT",
      path: "/people/{id}",
      summary: "Say who a person is: this stands against devices and imports",
      tag,
      params: ofPerson,
      body: change,
      problems: { ...STORING, 409: "An alias is another person's." },
      answer: person,
      handle: ({ params: { id }, body }) => set(id, body, "person"),
    }),
    route({
      method: "DELETE",
      path: "/people/{id}",
      summary: "Mark a person as left: deleted once no punch of the person is kept any more",
      tag,
      params: ofPerson,
      problems: { ...STORING, ...UNKNOWN },
      answer: person,
      handle: ({ params: { id } }) => set(found(id).person_id, { active: false }, "person"),
    }),
    route({
      method: "GET",
      path: "/people/{id}/export",
      summary: "Everything that is kept of a person",
      tag,
      params: ofPerson,
      problems: UNKNOWN,
      answer: v.looseObject({ person, punches: v.array(v.looseObject({ id: v.string() })) }),
      handle: ({ params: { id }, readers }) => {
        const pieces = jsonOf(dossierOf(found(id), options));
        return readers.pieces({ next: () => readers.doAlone(() => pieces.next()) }, JSON_TYPE);
      },
    }),
    route({
      method: "POST",
      path: "/people/{id}/erase",
      summary: "Erase what is kept of a person: name, ids, punches",
      tag,
      params: ofPerson,
      problems: { ...STORING, ...UNKNOWN },
      answer: erased,
      handle: ({ params: { id } }) => erase(found(id), options),
    }),
  ];
}
