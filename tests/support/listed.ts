/** What a route answers that is asked without the API. @module */
import { Listing } from "../../src/core/mod.ts";

/** The answer, a list as its items. */
export function listed(answer: unknown): unknown {
  if (!(answer instanceof Listing)) return answer;
  const { read, after, limit } = answer.source;
  return [...read({ after, until: undefined })].flatMap(({ json }) =>
    json === undefined ? [] : [JSON.parse(json)]
  ).slice(0, limit);
}
