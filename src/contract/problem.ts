/** The problem document (RFC 9457) that every refusal and failure is answered with. @module */
import * as v from "valibot";

export const problem = v.pipe(
  v.object({
    type: v.string(),
    title: v.pipe(v.string(), v.description("the same words for the same kind of problem")),
    status: v.pipe(v.number(), v.integer()),
    detail: v.exactOptional(
      v.pipe(v.string(), v.description("what exactly is wrong and what to do about it")),
    ),
    parameter: v.exactOptional(
      v.pipe(v.string(), v.description("the parameter or field that is wrong")),
    ),
    errors: v.exactOptional(v.pipe(
      v.array(v.looseObject({})),
      v.description("all that is wrong, field by field, where there is more to say"),
    )),
  }),
  v.description("What is wrong and what to do about it (RFC 9457)."),
);
export type ProblemDocument = Readonly<v.InferOutput<typeof problem>>;
