/** The allowance in the local API. @module */
import * as v from "valibot";
import { allowanceView, grant } from "../../../contract/allowance.ts";
import { dayText, idempotencyKey, reply, type Route, route, STORING } from "../../../core/mod.ts";
import type { AllowanceBook } from "./book.ts";
import { extraMin, MAX_GRANTS_A_DAY, shortText } from "./limits.ts";

const WANTED = 'expected a grant such as { "extra_min": 30 }, or { "undoes": <id of a grant> }';

const wantedGrant = v.pipe(
  v.strictObject({
    extra_min: v.optional(
      v.pipe(extraMin(), v.description("minutes more for the day; negative: fewer")),
    ),
    date: v.optional(v.pipe(dayText(), v.description("default: today"))),
    reason: v.optional(shortText()),
    made_by: v.optional(shortText()),
    undoes: v.optional(v.pipe(shortText(), v.description("instead: id of the grant to undo"))),
  }, (issue) => issue.expected === "Object" ? WANTED : issue.message),
  v.forward(
    v.check(({ extra_min, undoes }) => extra_min !== undefined || undoes !== undefined, WANTED),
    ["extra_min"],
  ),
  v.forward(
    v.check(
      ({ undoes, extra_min, date, reason }) =>
        undoes === undefined || [extra_min, date, reason].every((given) => given === undefined),
      "expected nothing but made_by beside it",
    ),
    ["undoes"],
  ),
  v.metadata({
    description: "minutes more (or fewer) for a day; or the id of a grant to undo",
    examples: [{ extra_min: 30, reason: "rainy" }, {
      undoes: "0198c7e0-5a3b-7c1d-9e2f-1a2b3c4d5e6f",
    }],
  }),
);

export function allowanceRoutes(book: AllowanceBook): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/allowance",
      summary: "What a day and its week allow, what was granted and used, what is left",
      tag: "playtime",
      query: v.strictObject({
        date: v.optional(v.pipe(dayText(), v.description("default: today, as day_starts_at says"))),
      }),
      answer: allowanceView,
      handle: ({ query: { date } }) => book.view(date),
    }),
    route({
      method: "POST",
      path: "/allowance/grants",
      summary: "Grant minutes for a day, or undo a grant; harmless to repeat with Idempotency-Key",
      tag: "playtime",
      body: wantedGrant,
      problems: {
        ...STORING,
        404: "There is no grant with the id in `undoes`.",
        422:
          `The \`Idempotency-Key\` was used for a different grant, or the day has ${MAX_GRANTS_A_DAY} grants.`,
      },
      answer: grant,
      also: { 201: "The grant is new." },
      async handle({ body: { undoes, extra_min, ...rest }, raw }) {
        const wanted = undoes === undefined
          // The schema lets none through without one of both.
          ? { ...rest, extra_min: extra_min! }
          : { undoes, made_by: rest.made_by };
        const { grant, created } = await book.grant(wanted, { key: idempotencyKey(raw) });
        return reply(grant, { status: created ? 201 : 200 });
      },
    }),
  ];
}
