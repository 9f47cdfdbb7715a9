/**
 * What the API answers when it cannot do what was asked: an RFC 9457 problem document, thrown as an error.
 * Its text is public; what only the log may see goes into `cause`.
 * @module
 */
import type { JsonObject } from "../json/json.ts";

export interface ProblemOptions {
  /** What exactly is wrong and what to do about it. */
  detail?: string;
  /** Further members of the document, such as `{ parameter: "limit" }`. */
  extra?: JsonObject;
  /** Headers that belong to the answer, such as `Retry-After`. */
  headers?: Readonly<Record<string, string>>;
  cause?: unknown;
}

export class Problem extends Error {
  override readonly name = "Problem";
  readonly detail: string | undefined;
  readonly extra: JsonObject;
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param status the HTTP status of the answer
   * @param title what kind of problem it is, the same words every time
   */
  constructor(readonly status: number, readonly title: string, options: ProblemOptions = {}) {
    super(options.detail ? `${title}: ${options.detail}` : title, { cause: options.cause });
    this.detail = options.detail;
    this.extra = options.extra ?? {};
    this.headers = options.headers ?? {};
  }

  /** The problem document. */
  toJSON(): JsonObject {
    return {
      type: "about:blank",
      title: this.title,
      status: this.status,
      ...(this.detail === undefined ? {} : { detail: this.detail }),
      ...this.extra,
    };
  }
}
