/** `Idempotency-Key`: a request with the key of an earlier one is that request again. @module */
import { Problem } from "./problem.ts";

const KEY = /^[\x21-\x7e][\x20-\x7e]{0,198}$/;

/** A request's key; null where it has none. @throws {Problem} 400 */
export function idempotencyKey({ headers }: Request): string | null {
  const key = headers.get("idempotency-key");
  if (key === null || KEY.test(key)) return key;
  throw new Problem(400, "Invalid request", {
    detail: "header Idempotency-Key: expected 1 to 199 printable ASCII characters",
  });
}
