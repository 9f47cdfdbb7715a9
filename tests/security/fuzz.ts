/**
 * The whole API, asked at random by its own description: every route, every parameter and body, right, nearly right
 * and wrong. No answer may be a failure of the agent's, and nothing may hold its event loop.
 * @module
 */
import fc from "fast-check";
import type { AgentProcess } from "../support/process/agent_process.ts";
import { rawRequest } from "../support/fakes/raw_wire.ts";

type Schema = Readonly<Record<string, unknown>>;

interface Operation {
  method: string;
  path: string;
  parameters: readonly { name: string; in: "path" | "query"; schema: Schema }[];
  /** By media type. */
  bodies: readonly (readonly [string, Schema])[];
  /** Answered for as long as somebody listens. */
  endless: boolean;
}

export interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
  endless: boolean;
}

export interface Fuzzed {
  asked: number;
  /** How many answers had each status. */
  statuses: Record<number, number>;
  /** What was answered 5xx, or not at all, with its answer. */
  failures: { asked: Asked; answer: string }[];
  /** How late the agent's own timers were at worst, and those of this process meanwhile, in milliseconds. */
  heldMs: number;
  ownMs: number;
}

/** How long the agent's event loop may be held, besides what the machine does to every process. */
export const MOST_HELD_MS = 50;
/** An agent with all that it can be asked for. */
export const FUZZED_CONFIG = {
  process_name: `Nobody${Deno.pid}.exe`,
  time_zone: "UTC",
  attendance: { enabled: true, host: "127.0.0.1", port: 0, time_zone: "UTC" },
};
/** How long an answer may take. */
const PATIENCE_MS = 20_000;
const ODD_TEXTS = [
  "",
  " ",
  "%",
  "%00",
  "%ff",
  "%c0%af",
  "%e2%82",
  "%u0041",
  "..%2f..%2f",
  "a/b",
  "+",
  "&",
  "=",
  "#",
  ";",
  "null",
  "NaN",
  "-0",
  "1e400",
  "0x10",
  "01",
  "9007199254740993",
  "-1",
  "\u0000",
  "\ud800",
  "\u202e",
  "__proto__",
  "constructor",
  "' OR 1=1 --",
  "2026-02-30",
  "2026-13-01T00:00:00.000Z",
  "+275760-09-14",
  "x".repeat(5_000),
  "%f0%9f%98%80".repeat(300),
  "9".repeat(400),
];

/** Asks until the time is over. */
export async function fuzz(
  agent: AgentProcess,
  { seed, ms }: { seed: number; ms: number },
): Promise<Fuzzed> {
  const token = await agent.token();
  const document = await (await fetch(`${agent.url}/openapi.json`)).json();
  const operations = operationsOf(document);
  const port = Number(new URL(agent.url).port);
  const result: Fuzzed = { asked: 0, statuses: {}, failures: [], heldMs: 0, ownMs: 0 };
  const startMs = await heldMs(agent);
  let due = performance.now() + 5;
  const own = setInterval(() => {
    const now = performance.now();
    result.ownMs = Math.max(result.ownMs, now - due);
    due = now + 5;
  }, 5);
  const end = performance.now() + ms;
  // Every operation in turn, so that a short run has them all.
  for (let round = 0; performance.now() < end; round++) {
    for (const [index, operation] of operations.entries()) {
      if (performance.now() >= end && round > 0) break;
      const samples = fc.sample(requests(operation, token), {
        seed: seed + round * operations.length + index,
        numRuns: 8,
      });
      await Promise.all(samples.map(async (asked) => {
        const { status, answer } = await ask(port, asked);
        result.asked++;
        result.statuses[status] = (result.statuses[status] ?? 0) + 1;
        if (status === 0 || status >= 500) result.failures.push({ asked, answer });
      }));
    }
  }
  clearInterval(own);
  const after = await heldMs(agent);
  // What was there before is of its start.
  result.heldMs = after > startMs ? after : 0;
  return result;
}

/** How late the agent's timers were at worst within the last minute or two. */
async function heldMs(agent: AgentProcess): Promise<number> {
  const text = await (await fetch(`${agent.url}/metrics`)).text();
  const [, seconds] = /^clockblock_event_loop_delay_max_seconds (\S+)$/m.exec(text) ?? [];
  return 1_000 * Number(seconds);
}

async function ask(port: number, asked: Asked): Promise<{ status: number; answer: string }> {
  const { endless, path, ...rest } = asked;
  try {
    if (endless) {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        ...rest,
        body: null,
        signal,
      });
      await answer.body?.cancel();
      return { status: answer.status, answer: "" };
    }
    const { status, body } = await rawRequest(port, { path, ...rest, timeoutMs: PATIENCE_MS });
    return { status, answer: body.slice(0, 500) };
  } catch (error) {
    return { status: 0, answer: String(error) };
  }
}

// deno-lint-ignore no-explicit-any -- as JSON came
function operationsOf({ paths }: any): Operation[] {
  return Object.entries<Record<string, unknown>>(paths).flatMap(([path, methods]) =>
    // deno-lint-ignore no-explicit-any -- as JSON came
    Object.entries<any>(methods).map(([method, { parameters = [], requestBody, responses }]) => ({
      method: method.toUpperCase(),
      path,
      parameters,
      bodies: Object.entries<{ schema: Schema }>(requestBody?.content ?? {})
        .map(([type, { schema }]) => [type, schema] as const),
      endless: "text/event-stream" in (responses[200]?.content ?? {}),
    }))
  );
}

/** Requests to an operation. */
function requests(operation: Operation, token: string): fc.Arbitrary<Asked> {
  const { method, path, parameters, bodies, endless } = operation;
  const inPath = parameters.filter((parameter) => parameter.in === "path");
  const inQuery = parameters.filter((parameter) => parameter.in === "query");
  const query = fc.tuple(
    fc.tuple(
      ...inQuery.map(({ name, schema }) =>
        fc.option(text(schema), { freq: 2 }).map((value) => value === null ? [] : [[name, value]])
      ),
    ),
    fc.option(fc.tuple(fc.constantFrom("x", "limit", "", "%00"), oddText), { freq: 12 }),
  ).map(([named, more]) =>
    [...named.flat(), ...(more ? [more] : [])].map(([name, value]) => `${name}=${value}`).join("&")
  );
  const body = bodies.length === 0 ? fc.constant({ type: "", body: "" }) : fc.oneof(
    {
      weight: 8,
      arbitrary: fc.constantFrom(...bodies).chain(([type, schema]) =>
        json(schema).map((value) => ({ type, body: JSON.stringify(value) ?? "" }))
      ),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constantFrom("application/json", "application/x-ndjson", "text/plain", "", "a"),
        body: fc.oneof(
          fc.json(),
          fc.string({ unit: "binary" }),
          fc.constantFrom("{", "[]", "\ufeff{}"),
        ),
      }),
    },
  );
  return fc.record({
    params: fc.tuple(...inPath.map(({ schema }) => text(schema))),
    query,
    body,
    // Without the token, few get far.
    authorization: fc.constantFrom(...Array(9).fill(`Bearer ${token}`), "Bearer x", ""),
    accept: fc.constantFrom("*/*", "text/html", "", "application/json;q=0"),
  }).map(({ params, query, body, authorization, accept }) => {
    let filled = path;
    for (const [index, { name }] of inPath.entries()) {
      filled = filled.replace(`{${name}}`, () => params[index]!);
    }
    return {
      method,
      path: onWire(query === "" ? filled : `${filled}?${query}`),
      headers: {
        "Host": "127.0.0.1",
        "Authorization": authorization,
        "Accept": accept,
        ...(body.type === "" ? {} : { "Content-Type": body.type }),
        ...(method === "GET" || method === "POST" ? {} : {
          "Content-Length": String(new TextEncoder().encode(body.body).byteLength),
        }),
      },
      body: method === "GET" ? "" : body.body,
      endless,
    };
  });
}

const oddText = fc.oneof(
  fc.constantFrom(...ODD_TEXTS),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.integer().map(String),
  fc.double().map(String),
);

/** What ends a request line is encoded, and nothing else. */
function onWire(path: string): string {
  // deno-lint-ignore no-control-regex -- what must not stand in a request line
  return path.replaceAll(/[\u0000-\u0020\u007f\ud800-\udfff]|[^\u0000-\u007f]+/gu, (part) => {
    const bytes = new TextEncoder().encode(part);
    return [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  });
}

/** A parameter as text: as the schema wants it, or not. */
function text(schema: Schema): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 10, arbitrary: json(schema).map((value) => onWire(encode(value))) },
    { weight: 1, arbitrary: oddText },
  );
}

function encode(value: unknown): string {
  const plain = typeof value === "string" ? value : JSON.stringify(value) ?? "";
  return plain.isWellFormed() ? encodeURIComponent(plain) : plain;
}

/** A value as the schema wants it, mostly. */
function json(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  const right = fitting(schema, depth);
  return fc.oneof(
    { weight: 12, arbitrary: right },
    { weight: 1, arbitrary: fc.constantFrom(...ODD_TEXTS, null, true, 0, -1, 1e308, [], {}) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  );
}

function fitting(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const { type, enum: values, const: constant, examples, anyOf, oneOf, properties, items } = schema;
  const { default: byDefault, required } = schema;
  const known = [
    ...(Array.isArray(values) ? values : []),
    ...(Array.isArray(examples) ? examples : []),
    ...(constant === undefined ? [] : [constant]),
    ...(byDefault === undefined ? [] : [byDefault]),
  ];
  const some = known.length > 0 ? [fc.constantFrom(...known)] : [];
  const options = (anyOf ?? oneOf) as readonly Schema[] | undefined;
  if (options) return fc.oneof(...some, ...options.map((option) => json(option, depth + 1)));
  if (values || constant !== undefined) return some[0]!;
  if (properties && depth < 6) {
    const fields = Object.entries(properties as Record<string, Schema>);
    return fc.oneof(
      ...some,
      fc.record(
        Object.fromEntries(fields.map(([name, field]) => [name, json(field, depth + 1)])),
        { requiredKeys: (required ?? []) as string[] },
      ),
    );
  }
  if (type === "array") {
    return fc.oneof(
      ...some,
      fc.array(json((items ?? {}) as Schema, depth + 1), { maxLength: 20 }),
    );
  }
  if (type === "integer" || type === "number") {
    const { minimum = -10, maximum = 10_000 } = schema as { minimum?: number; maximum?: number };
    const [min, max] = [Math.ceil(minimum), Math.floor(maximum)];
    return fc.oneof(
      ...some,
      fc.integer({ min: Math.max(min, -(2 ** 31)), max: Math.min(max, 2 ** 31 - 1) }),
    );
  }
  if (type === "boolean") return fc.boolean();
  if (type === "object") {
    return fc.oneof(
      ...some,
      fc.dictionary(fc.string({ maxLength: 70 }), fc.jsonValue({ maxDepth: 4 })),
    );
  }
  return fc.oneof(
    ...some,
    fc.string({ maxLength: 200 }),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString().slice(0, 10)),
    fc.constantFrom("UTC", "Asia/Kolkata", "paper", "live", "projects", "events", "records"),
  );
}
