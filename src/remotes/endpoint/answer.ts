/**
 * What an endpoint's answer says: which rows it has, which it refuses and why. Pure: text in, facts out.
 * @module
 */
import type { Id, PushResult, Row } from "../../core/mod.ts";

/** The code and the words of an error answer. */
export interface ErrorFacts {
  code?: string;
  /** May quote a row. */
  detail?: string;
}

const DETAIL_LENGTH = 500;

/**
 * What a 2xx answer covers. Any 2xx accepts all rows, unless its body is
 * `{ accepted: [ids], rejected: [{ id, code, message, retryable }] }`: then it accepts what it names, and
 * without `accepted`, everything that it does not reject.
 * @throws {SyntaxError} when the body is JSON that broke off, or says something that cannot be understood
 */
export function readAccepted(text: string, rows: readonly Row[]): PushResult {
  const all = (): Id[] => rows.map(({ id }) => id);
  const body = text.trimStart();
  // Text such as "OK", also by servers that call it JSON, is no list of anything.
  if (!/^[{[]/.test(body)) return { accepted: all(), rejected: [] };
  const said = parsed(body);
  if (!isObject(said) || (said.accepted === undefined && said.rejected === undefined)) {
    return { accepted: all(), rejected: [] };
  }
  const rejected = list(said.rejected ?? [], "rejected").flatMap(rejection);
  if (said.accepted === undefined || said.accepted === rows.length) {
    const refused = new Set(rejected.map(({ id }) => id));
    return { accepted: all().filter((id) => !refused.has(id)), rejected };
  }
  return { accepted: list(said.accepted, "accepted").map(String), rejected };
}

/** The code and the words of an error answer, in the shapes that APIs commonly have. */
export function readError(text: string): ErrorFacts {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    // A proxy's page says nothing that a person would want to read in a table.
    return /^\s*(<|$)/.test(text) ? {} : { detail: shortened(text.trim()) };
  }
  if (!isObject(said)) return typeof said === "string" ? { detail: shortened(said) } : {};
  const inner = isObject(said.error) ? said.error : {};
  const code = asCode(said.code) ?? asCode(inner.code);
  const detail = [said.message, inner.message, said.detail, said.error, said.title]
    .find((each): each is string => typeof each === "string" && each !== "");
  return {
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined ? {} : { detail: shortened(detail) }),
  };
}

function rejection(said: unknown): PushResult["rejected"][number][] {
  if (!isObject(said) || (typeof said.id !== "string" && typeof said.id !== "number")) return [];
  const { id, status, retryable, message } = said;
  const code = asCode(said.code);
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

function list(said: unknown, name: string): unknown[] {
  if (Array.isArray(said)) return said;
  throw new SyntaxError(`"${name}" is not a list`);
}

/** A code is shown in logs and states: only what looks like one is taken for one. */
function asCode(said: unknown): string | undefined {
  const code = typeof said === "number" ? String(said) : said;
  return typeof code === "string" && /^[\w.:-]{1,64}$/.test(code) ? code : undefined;
}

function shortened(text: string): string {
  return text.length > DETAIL_LENGTH ? `${text.slice(0, DETAIL_LENGTH)}…` : text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
