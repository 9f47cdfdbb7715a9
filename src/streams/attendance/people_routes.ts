/** People over HTTP: who they are, and by which numbers devices know them. @module */
import * as v from "valibot";
import { person, type PersonSource } from "../../contract/attendance.ts";
import {
  listing,
  Problem,
  type Route,
  route,
  STORING,
  wholeNumber,
  yesNo,
} from "../../core/mod.ts";
import type { Store } from "../../store/mod.ts";
import { isPersonId } from "./storage/parsed.ts";
import { AliasTaken, type People, type PersonChange } from "./storage/people.ts";

export interface PeopleRoutesOptions {
  store: Store;
  people: People;
}

const MAX_ALIASES = 100;

const personId = v.pipe(
  v.string("expected the id of a person"),
  v.check(isPersonId, "expected an id of 1 to 64 characters without blanks"),
  v.description("one of the person's ids"),
);
const ofPerson = v.object({ id: personId });

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

const UNKNOWN = { 404: "No such person." };

export function peopleRoutes({ store, people }: PeopleRoutesOptions): Route[] {
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
        limit: v.optional(
          v.pipe(wholeNumber({ min: 1, max: 5000 }), v.description("at most so many")),
          "1000",
        ),
        after: v.optional(v.pipe(v.string(), v.description("after the person of this id"))),
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
  ];
}
