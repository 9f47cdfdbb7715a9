/**
 * As much of PostgREST as the agent meets: what supabase-js asks of `/rest/v1` becomes the SQL that PostgREST
 * makes of it, run in one transaction under the caller's role, and errors get the status and the code that
 * PostgREST gives them (https://docs.postgrest.org/en/stable/references/errors.html, src/library/PostgREST/Error.hs).
 *
 * nano-supabase has a data route of its own. It is not used: it writes nested JSON as `{}`, merges nothing,
 * keeps the quotes of a quoted filter value, and leaves the caller's role on the connection.
 * @module
 */
import type { PGlite, Transaction } from "@electric-sql/pglite";

/** In whose name a request is made. */
export interface Caller {
  role: "anon" | "authenticated" | "service_role";
  userId?: string;
}

export interface RestAnswer {
  status: number;
  /** JSON text, or nothing. */
  body: string | null;
  headers?: Readonly<Record<string, string>>;
}

/** Supabase gives no more, however many are asked for. */
const MAX_ROWS = 1_000;

/** An answer that is no success, in PostgREST's words. */
class RestError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }
}

export async function serveRest(
  db: PGlite,
  request: { method: string; url: URL; prefer: string; body: string },
  caller: Caller,
): Promise<RestAnswer> {
  const { method, url, body } = request;
  const resource = decodeURIComponent(url.pathname.replace(/^\/rest\/v1\/?/, ""));
  try {
    return await db.transaction(async (tx) => {
      await assume(tx, caller);
      if (resource.startsWith("rpc/")) return await call(tx, resource.slice(4), body);
      const columns = await columnsOf(tx, resource);
      if (method === "GET" || method === "HEAD") return await select(tx, resource, request);
      if (method === "POST") return await insert(tx, resource, { ...request, columns });
      throw new RestError(405, "PGRST117", `Unsupported HTTP method: ${method}`);
    });
  } catch (error) {
    return refusal(error, caller);
  }
}

/** PostgREST's error body. */
export function refusal(error: unknown, { role }: Caller): RestAnswer {
  if (error instanceof RestError) {
    const { status, code, message } = error;
    return {
      status,
      body: JSON.stringify({ code, message, details: null, hint: null }),
    };
  }
  const { code, message, detail, hint } = error as Error & Record<string, string | undefined>;
  if (typeof code !== "string") throw error;
  return {
    status: statusOf(code, { signedIn: role !== "anon" }),
    body: JSON.stringify({ code, message, details: detail ?? null, hint: hint ?? null }),
  };
}

/** PostgREST's table of SQLSTATE and HTTP status. */
export function statusOf(code: string, { signedIn }: { signedIn: boolean }): number {
  const exact: Readonly<Record<string, number>> = {
    "23503": 409,
    "23505": 409,
    "25006": 405,
    "21000": 500,
    "42883": 404,
    "42P01": 404,
    "42P17": 500,
    "42501": signedIn ? 403 : 401,
    "53400": 500,
    "57P01": 503,
    P0001: 400,
  };
  const byClass: Readonly<Record<string, number>> = {
    "08": 503,
    "09": 500,
    "0L": 403,
    "0P": 403,
    "25": 500,
    "28": 403,
    "2D": 500,
    "38": 500,
    "39": 500,
    "3B": 500,
    "40": 500,
    "53": 503,
    "54": 500,
    "55": 500,
    "57": 500,
    "58": 500,
    F0: 500,
    HV: 500,
    P0: 500,
    XX: 500,
  };
  return exact[code] ?? byClass[code.slice(0, 2)] ?? 400;
}

/** The caller's role and claims, for this transaction only. */
async function assume(tx: Transaction, { role, userId = "" }: Caller): Promise<void> {
  const claims = JSON.stringify({ role, ...(userId ? { sub: userId } : {}) });
  await tx.query(
    `SELECT set_config('role', $1, true), set_config('request.jwt.claims', $2, true),
       set_config('request.jwt.claim.sub', $3, true), set_config('request.jwt.claim.role', $1, true)`,
    [role, claims, userId],
  );
}

async function columnsOf(tx: Transaction, table: string): Promise<Set<string>> {
  const { rows } = await tx.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute
     WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
    [`public.${quoted(table)}`],
  );
  if (rows.length === 0) {
    throw new RestError(
      404,
      "PGRST205",
      `Could not find the table 'public.${table}' in the schema cache`,
    );
  }
  return new Set(rows.map(({ name }) => name));
}

async function select(
  tx: Transaction,
  table: string,
  { url: { searchParams: params }, prefer }: { url: URL; prefer: string },
): Promise<RestAnswer> {
  const where: string[] = [];
  let order = "";
  let limit = MAX_ROWS;
  for (const [name, value] of params) {
    if (name === "select") continue;
    else if (name === "order") order = `ORDER BY ${value.split(",").map(orderTerm).join(", ")}`;
    else if (name === "limit") limit = Math.min(limit, Number(value));
    else if (name === "or" || name === "and") where.push(group(name, value));
    else where.push(condition(name, value));
  }
  const { rows } = await tx.query<{ body: string }>(
    `SELECT coalesce(json_agg(t), '[]')::text AS body FROM (
       SELECT * FROM ${quoted(table)}
       ${where.length > 0 ? `WHERE ${where.join(" AND ")}` : ""} ${order} LIMIT ${limit}) t`,
  );
  if (!prefer.includes("count=")) return { status: 200, body: rows[0]!.body };
  const [counted] = (await tx.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM ${quoted(table)}
     ${where.length > 0 ? `WHERE ${where.join(" AND ")}` : ""}`,
  )).rows;
  const last = Math.min(limit, counted!.count) - 1;
  const range = `${last < 0 ? "*" : `0-${last}`}/${counted!.count}`;
  return { status: 200, body: rows[0]!.body, headers: { "content-range": range } };
}

async function insert(
  tx: Transaction,
  table: string,
  { url, prefer, body, columns }: {
    url: URL;
    prefer: string;
    body: string;
    columns: ReadonlySet<string>;
  },
): Promise<RestAnswer> {
  const named = url.searchParams.get("columns");
  const given = named
    ? named.split(",").map((name) => name.replaceAll('"', ""))
    : commonKeys(JSON.parse(body));
  for (const name of given) {
    if (columns.has(name)) continue;
    throw new RestError(
      400,
      "PGRST204",
      `Could not find the '${name}' column of '${table}' in the schema cache`,
    );
  }
  const list = given.map(quoted).join(", ");
  const target = url.searchParams.get("on_conflict");
  const shown = url.searchParams.get("select")?.split(",").map(quoted).join(", ") ?? "*";
  const returning = prefer.includes("return=representation") ? `RETURNING ${shown}` : "";
  const { rows } = await tx.query<Record<string, unknown>>(
    `INSERT INTO ${quoted(table)} (${list})
     SELECT ${list} FROM json_populate_recordset(null::${quoted(table)}, $1::text::json)
     ${onConflict(target, { prefer, given })} ${returning}`,
    [body.trimStart().startsWith("[") ? body : `[${body}]`],
  );
  return { status: 201, body: returning ? JSON.stringify(rows) : null };
}

function onConflict(
  target: string | null,
  { prefer, given }: { prefer: string; given: readonly string[] },
): string {
  if (target === null || !prefer.includes("resolution=")) return "";
  const keys = target.split(",").map(quoted).join(", ");
  if (prefer.includes("ignore-duplicates")) return `ON CONFLICT (${keys}) DO NOTHING`;
  const set = given.map((name) => `${quoted(name)} = EXCLUDED.${quoted(name)}`).join(", ");
  return `ON CONFLICT (${keys}) DO UPDATE SET ${set}`;
}

function commonKeys(rows: Record<string, unknown>[] | Record<string, unknown>): string[] {
  const [first = {}, ...others] = Array.isArray(rows) ? rows : [rows];
  const keys = Object.keys(first);
  if (others.some((row) => Object.keys(row).sort().join() !== [...keys].sort().join())) {
    throw new RestError(400, "PGRST102", "All object keys must match");
  }
  return keys;
}

async function call(tx: Transaction, name: string, body: string): Promise<RestAnswer> {
  const args = JSON.parse(body || "{}") as Record<string, unknown>;
  const names = Object.keys(args);
  const { rows } = await tx.query<{ types: string[] }>(
    `SELECT array(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) t) AS types, p.proargnames AS names
     FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname = $1
       AND coalesce(p.proargnames, '{}') = $2::text[]`,
    [name, names],
  );
  const found = rows[0];
  if (!found) {
    throw new RestError(
      404,
      "PGRST202",
      `Could not find the function public.${name}(${names.join(", ")}) in the schema cache`,
    );
  }
  const list = names.map((arg, index) =>
    `${quoted(arg)} => ($1::text::json ->> ${literal(arg)})::${found.types[index]}`
  );
  const answer = await tx.query<{ body: string }>(
    `SELECT to_json(${quoted(name)}(${list.join(", ")}))::text AS body, $1::text AS given`,
    [body || "{}"],
  );
  return { status: 200, body: answer.rows[0]!.body };
}

const OPERATORS: Readonly<Record<string, string>> = {
  eq: "=",
  neq: "<>",
  gt: ">",
  gte: ">=",
  lt: "<",
  lte: "<=",
};

/** `or=(a.gt."x",and(b.eq.1,c.lt.2))` */
function group(operator: string, text: string): string {
  const inner = text.replace(/^\(/, "").replace(/\)$/, "");
  const terms = topLevel(inner).map((term) => {
    const nested = /^(and|or)(\(.*\))$/s.exec(term);
    if (nested) return group(nested[1]!, nested[2]!);
    const dot = term.indexOf(".");
    return condition(term.slice(0, dot), term.slice(dot + 1), { quotes: true });
  });
  return `(${terms.join(operator === "or" ? " OR " : " AND ")})`;
}

function condition(column: string, text: string, { quotes = false } = {}): string {
  const dot = text.indexOf(".");
  const operator = text.slice(0, dot);
  const value = text.slice(dot + 1);
  const unquoted = quotes && value.startsWith('"')
    ? value.slice(1, -1).replace(/\\(.)/g, "$1")
    : value;
  if (operator === "is") return `${quoted(column)} IS ${unquoted === "null" ? "NULL" : unquoted}`;
  if (operator === "in") {
    const values = topLevel(value.slice(1, -1)).map((each) =>
      each.startsWith('"') ? each.slice(1, -1).replace(/\\(.)/g, "$1") : each
    );
    return `${quoted(column)} IN (${values.map(literal).join(", ")})`;
  }
  const sign = OPERATORS[operator];
  if (!sign) throw new RestError(400, "PGRST100", `"failed to parse filter (${text})"`);
  return `${quoted(column)} ${sign} ${literal(unquoted)}`;
}

/** The parts between commas that stand in no brackets and no quotes. */
function topLevel(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let inQuotes = false;
  let part = "";
  for (let index = 0; index < text.length; index++) {
    const char = text[index]!;
    if (inQuotes && char === "\\") {
      part += char + (text[++index] ?? "");
      continue;
    }
    if (char === '"') inQuotes = !inQuotes;
    else if (!inQuotes && char === "(") depth++;
    else if (!inQuotes && char === ")") depth--;
    if (char === "," && depth === 0 && !inQuotes) {
      parts.push(part);
      part = "";
    } else part += char;
  }
  return [...parts, part];
}

function orderTerm(term: string): string {
  const [column = "", ...how] = term.split(".");
  return `${quoted(column)} ${how.includes("desc") ? "DESC" : "ASC"}`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Of no type, as PostgREST writes it: what it is compared with decides. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
