/**
 * The API's description for programs, OpenAPI 3.1, made from the routes and nothing else.
 * https://spec.openapis.org/oas/v3.1.1
 * @module
 */
import { toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import {
  check,
  type Json,
  type JsonObject,
  MAX_ANSWER_MS,
  MAX_LIST_BYTES,
  type Route,
  type Schema,
  version,
} from "../../core/mod.ts";
import { problem as problemDocument } from "../../contract/problem.ts";
import { type Answers, refusals, successes } from "./responses.ts";
import { isRead, OPEN_PATHS } from "../security/security.ts";

const FAILED = "The agent failed to do this (500); its log has the reason under the `id` given.";

const NEXT_PAGE: JsonObject = {
  description:
    'Where the next page is, while there is one: `<path?query>; rel="next"` (RFC 8288). ' +
    "A page ends at its limit or at its bytes, so that only this header says whether it is the last.",
  schema: { type: "string" },
};
const RETRY_AFTER: JsonObject = {
  description: "After how many seconds to send it again.",
  schema: { type: "integer" },
};

/** The document that describes these routes. */
export function openApi(routes: readonly Route[]): JsonObject {
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const route of routes) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "ClockBlock",
      version,
      description: "The local API of the ClockBlock agent. A list answers at most " +
        `${
          MAX_LIST_BYTES >> 20
        } MiB at a time, whatever its limit: its Link header leads to the rest. ` +
        `An answer may be read for ${
          MAX_ANSWER_MS / 60_000
        } minutes; where too much waits for slow ` +
        "readers, the slowest are cut.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Problem: jsonSchema(problemDocument, "output") },
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description: "The token in the file api-token beside the database.",
        },
      },
    },
  };
}

function operation(route: Route): JsonObject {
  const { method, path, summary, tag } = route;
  const parameters = [...parametersIn("path", route), ...parametersIn("query", route)];
  const content = requestContent(route);
  return {
    operationId: method.toLowerCase() +
      path.replaceAll(/[^A-Za-z0-9]+([A-Za-z0-9]?)/g, (_, letter: string) => letter.toUpperCase()),
    summary,
    tags: [tag],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(content ? { requestBody: { required: bodyRequired(route), content } } : {}),
    responses: responses(route),
    security: security(route),
  };
}

/** What is written takes the token; what is read only where the agent listens beyond this machine. */
function security({ method, path }: Route): JsonObject[] {
  if (!isRead(method)) return [{ token: [] }];
  return OPEN_PATHS.includes(path) ? [] : [{}, { token: [] }];
}

function responses(route: Route): Record<string, JsonObject> {
  const shown = (answers: Answers, show: (status: number, description: string) => JsonObject) =>
    Object.entries(answers).map(([status, text]) => [status, show(Number(status), text)]);
  return {
    ...Object.fromEntries([
      ...shown(successes(route), (_, description) => success(description, route)),
      ...shown(refusals(route), problem),
    ]),
    default: problem(500, FAILED),
  };
}

function success(description: string, { answer, mediaType, paged }: Route): JsonObject {
  const content = {
    ...(answer ? { "application/json": { schema: jsonSchema(answer, "output") } } : {}),
    ...(mediaType ? { [mediaType]: { schema: { type: "string" } } } : {}),
  };
  return {
    description,
    ...(paged ? { headers: { Link: NEXT_PAGE } } : {}),
    ...(answer || mediaType ? { content } : {}),
  };
}

function problem(status: number, description: string): JsonObject {
  return {
    description,
    ...(status === 503 ? { headers: { "Retry-After": RETRY_AFTER } } : {}),
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
}

function requestContent({ body, reads }: Route): JsonObject | undefined {
  const shapes = reads ?? (body ? { "application/json": body } : undefined);
  return shapes && Object.fromEntries(
    Object.entries(shapes).map(([type, schema]) => [type, { schema: jsonSchema(schema, "input") }]),
  );
}

function bodyRequired({ body }: Route): boolean {
  return !body || "errors" in check(body, undefined);
}

function parametersIn(place: "path" | "query", { params, query, path }: Route): JsonObject[] {
  const schema = place === "path" ? params : query;
  const described = schema ? jsonSchema(schema, "input") : {};
  const properties = (described["properties"] ?? {}) as Record<string, JsonObject>;
  const required = (described["required"] ?? []) as readonly string[];
  const entries = schema && "entries" in schema ? schema.entries as Record<string, Schema> : {};
  const names = place === "path"
    ? [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!)
    : Object.keys(properties);
  const named = names.map((name) => {
    const { description = descriptionOf(entries[name]), ...rest } = properties[name] ??
      { type: "string" };
    return {
      name,
      in: place,
      required: place === "path" || required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: typed(rest),
    };
  });
  return schema && "rest" in schema
    ? [...named, anyOther(jsonSchema(schema.rest as Schema, "input"))]
    : named;
}

/** Parameters of any name: an object's members are parameters of their own (style `form`, the default). */
function anyOther({ description = "any other parameter", ...values }: JsonObject): JsonObject {
  const schema = { type: "object", additionalProperties: values };
  return { name: "any", in: "query", required: false, description, schema };
}

/** A description that stands behind what transforms the text, where the conversion ends. */
function descriptionOf(schema: Schema | undefined): string | undefined {
  if (!schema) return undefined;
  return v.getDescription(schema as v.GenericSchema) ??
    ("wrapped" in schema ? descriptionOf(schema.wrapped as Schema) : undefined);
}

/** Parameters are text, so their defaults are too; the document says what the text means. */
function typed(schema: JsonObject): JsonObject {
  const { type, default: byDefault } = schema;
  if (typeof byDefault !== "string" || type === "string" || type === undefined) return schema;
  return { ...schema, default: JSON.parse(byDefault) as Json };
}

function jsonSchema(schema: Schema, typeMode: "input" | "output"): JsonObject {
  const { $schema: _, ...rest } = toJsonSchema(
    // The library wants a schema of any input; ours differ only in what they accept.
    schema as Parameters<typeof toJsonSchema>[0],
    {
      typeMode,
      errorMode: "ignore",
      target: "draft-2020-12",
      // Left out, generators of code take it for none.
      overrideSchema: ({ valibotSchema, jsonSchema }) =>
        valibotSchema.type === "loose_object"
          ? { ...jsonSchema, additionalProperties: true }
          : undefined,
    },
  );
  return rest as JsonObject;
}
