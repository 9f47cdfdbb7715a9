/** Reads an endpoint's answer: which rows it has, which it refuses and why. Pure: text in, facts out. @module */
import { type Id, isObject, type PushResult, type Row } from "../../core/mod.ts";

/** The code and the message of an error answer. */
export interface ErrorFacts {
  code?: string;
  /** May quote a row. */
  detail?: string;
}

const MAX_DETAIL_CHARS = 500;

/**
 * What a 2xx answer covers. Any 2xx accepts all rows, unless its body is
 * `{ accepted: [ids], rejected: [{ id, code, message, retryable }] }`: then it accepts what it names, and
 * without `accepted`, everything that it does not reject.
 * @throws {SyntaxError} when the body is JSON that broke off, or of another shape
 */
export function readAccepted(text: string, rows: readonly Row[]): PushResult {
  const all = (): Id[] => rows.map(({ id }) => id);
  const body = text.trimStart();
  // Text such as "OK", also by servers that call it JSON, is no list of anything.
  if (!/^[{[]/.test(body)) return { accepted: all(), rejected: [] };
  const value = parsed(body);
  if (!isObject(value) || (value.accepted === undefined && value.rejected === undefined)) {
    return { accepted: all(), rejected: [] };
  }
  const rejected = list(value.rejected ?? [], "rejected").flatMap(rejection);
  if (value.accepted === undefined || value.accepted === rows.length) {
    const refused = new Set(rejected.map(({ id }) => id));
    return { accepted: all().filter((id) => !refused.has(id)), rejected };
  }
  return { accepted: list(value.accepted, "accepted").map(String), rejected };
}

/** The code and the message of an error answer, in the shapes that APIs commonly have. */
export function readError(text: string): ErrorFacts {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // A proxy's page has no message that helps in a table.
    return /^\s*(<|$)/.test(text) ? {} : { detail: shortened(text.trim()) };
  }
  if (!isObject(value)) return typeof value === "string" ? { detail: shortened(value) } : {};
  const inner = isObject(value.error) ? value.error : {};
  const code = asCode(value.code) ?? asCode(inner.code);
  const detail = [value.message, inner.message, value.detail, value.error, value.title]
    .find((each): each is string => typeof each === "string" && each !== "");
  return {
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined ? {} : { detail: shortened(detail) }),
  };
}

function rejection(value: unknown): PushResult["rejected"][number][] {
  if (!isObject(value) || (typeof value.id !== "string" && typeof value.id !== "number")) return [];
  const { id, status, retryable, message } = value;
  const code = asCode(value.code);
  return [{
    id: String(id),
    message: typeof message === "string" ? shortened(message) : "the endpoint gave no reason",
    ...(code === undefined ? {} : { code }),
    ...(typeof status === "number" ? { status } : {}),
    ...(typeof retryable === "boolean" ? { retryable } : {}),
  }];
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // The parser's own message quotes the body.
    throw new SyntaxError("it is no whole JSON");
  }
}

function list(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new SyntaxError(`"${name}" is not a list`);
}

/** A code is shown in logs and states: anything that does not look like one is ignored. */
function asCode(value: unknown): string | undefined {
  const code = typeof value === "number" ? String(value) : value;
  return typeof code === "string" && /^[\w.:-]{1,64}$/.test(code) ? code : undefined;
}

function shortened(text: string): string {
  return text.length > MAX_DETAIL_CHARS ? `${text.slice(0, MAX_DETAIL_CHARS)}…` : text;
}
