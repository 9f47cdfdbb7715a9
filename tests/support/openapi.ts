/**
 * Whether a document is OpenAPI 3.1, as far as this project uses it: the specification's own schema needs a
 * JSON Schema validator, this needs none and knows besides what that schema cannot say (references, templates).
 * https://spec.openapis.org/oas/v3.1.1
 * @module
 */
import * as v from "valibot";
import { check } from "../../src/core/mod.ts";

const TYPES = ["null", "boolean", "object", "array", "number", "string", "integer"] as const;
const text = v.string();
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** The keywords of JSON Schema 2020-12 that our schemas come to. */
const jsonSchema: v.GenericSchema = v.lazy(() =>
  v.union([
    v.boolean(),
    v.strictObject({
      $ref: v.optional(v.pipe(text, v.startsWith("#/"))),
      title: v.optional(text),
      description: v.optional(text),
      default: v.optional(v.unknown()),
      examples: v.optional(v.array(v.unknown())),
      type: v.optional(v.union([v.picklist(TYPES), v.array(v.picklist(TYPES))])),
      enum: v.optional(v.pipe(v.array(v.unknown()), v.minLength(1))),
      const: v.optional(v.unknown()),
      format: v.optional(text),
      pattern: v.optional(v.pipe(text, v.check((source) => new RegExp(source, "u") !== null))),
      minLength: v.optional(count),
      maxLength: v.optional(count),
      minimum: v.optional(v.number()),
      maximum: v.optional(v.number()),
      exclusiveMinimum: v.optional(v.number()),
      exclusiveMaximum: v.optional(v.number()),
      multipleOf: v.optional(v.number()),
      properties: v.optional(v.record(text, jsonSchema)),
      required: v.optional(v.array(text)),
      additionalProperties: v.optional(jsonSchema),
      propertyNames: v.optional(jsonSchema),
      minProperties: v.optional(count),
      maxProperties: v.optional(count),
      items: v.optional(jsonSchema),
      prefixItems: v.optional(v.array(jsonSchema)),
      minItems: v.optional(count),
      maxItems: v.optional(count),
      uniqueItems: v.optional(v.boolean()),
      anyOf: v.optional(v.pipe(v.array(jsonSchema), v.minLength(1))),
      oneOf: v.optional(v.pipe(v.array(jsonSchema), v.minLength(1))),
      allOf: v.optional(v.pipe(v.array(jsonSchema), v.minLength(1))),
      not: v.optional(jsonSchema),
    }),
  ])
);

const content = v.record(
  v.pipe(text, v.regex(/^[a-z]+\/[a-z0-9.+-]+$/)),
  v.strictObject({ schema: v.optional(jsonSchema) }),
);

const operation = v.strictObject({
  operationId: v.pipe(text, v.regex(/^\w+$/)),
  summary: v.pipe(text, v.nonEmpty()),
  tags: v.array(text),
  parameters: v.optional(v.array(v.strictObject({
    name: text,
    in: v.picklist(["path", "query"]),
    required: v.boolean(),
    description: v.optional(text),
    schema: jsonSchema,
  }))),
  requestBody: v.optional(v.strictObject({
    description: v.optional(text),
    required: v.optional(v.boolean()),
    content,
  })),
  responses: v.pipe(
    v.record(
      v.pipe(text, v.regex(/^([1-5]\d\d|default)$/)),
      v.strictObject({
        description: v.pipe(text, v.nonEmpty()),
        headers: v.optional(
          v.record(text, v.strictObject({ description: text, schema: jsonSchema })),
        ),
        content: v.optional(content),
      }),
    ),
    v.check((responses) => Object.keys(responses).length > 0),
  ),
  security: v.optional(v.array(v.record(text, v.array(text)))),
});

const methods = ["get", "put", "post", "delete", "patch"] as const;

const document = v.strictObject({
  openapi: v.pipe(text, v.regex(/^3\.1\.\d+$/)),
  info: v.strictObject({
    title: text,
    version: text,
    description: v.optional(text),
    license: v.optional(v.strictObject({ name: text, identifier: text })),
  }),
  servers: v.array(v.strictObject({ url: text })),
  tags: v.array(v.strictObject({ name: text })),
  paths: v.record(
    v.pipe(text, v.startsWith("/")),
    v.strictObject(v.entriesFromList(methods, v.optional(operation))),
  ),
  components: v.strictObject({
    schemas: v.record(v.pipe(text, v.regex(/^[\w.-]+$/)), jsonSchema),
    securitySchemes: v.record(
      text,
      v.strictObject({ type: v.literal("http"), scheme: text, description: text }),
    ),
  }),
});

/** What is wrong with the document; nothing when it is valid. */
export function openApiFlaws(given: unknown): string[] {
  const result = check(document, given);
  if ("errors" in result) return result.errors.map(({ field, message }) => `${field}: ${message}`);
  const { paths, tags, components } = result.value;
  const flaws: string[] = [];
  const ids = new Set<string>();
  for (const [path, item] of Object.entries(paths)) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
    for (const method of methods) {
      const operation = item[method];
      if (!operation) continue;
      const { operationId, parameters = [], security = [] } = operation;
      const at = `${method} ${path}`;
      if (ids.has(operationId)) flaws.push(`${at}: ${operationId} is used twice`);
      ids.add(operationId);
      const declared = parameters.filter((parameter) => parameter.in === "path");
      if (declared.map(({ name }) => name).sort().join() !== inPath.sort().join()) {
        flaws.push(`${at}: path parameters differ from the path`);
      }
      if (declared.some(({ required }) => !required)) flaws.push(`${at}: optional path parameter`);
      const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      if (new Set(names).size < names.length) flaws.push(`${at}: a parameter twice`);
      for (const tag of operation.tags) {
        if (!tags.some(({ name }) => name === tag)) flaws.push(`${at}: unknown tag ${tag}`);
      }
      for (const scheme of security.flatMap(Object.keys)) {
        if (!(scheme in components.securitySchemes)) flaws.push(`${at}: unknown scheme ${scheme}`);
      }
    }
  }
  for (const [, ref] of JSON.stringify(given).matchAll(/"\$ref":"([^"]*)"/g)) {
    const name = ref!.replace("#/components/schemas/", "");
    if (!(name in components.schemas)) flaws.push(`${ref} leads nowhere`);
  }
  return flaws;
}
