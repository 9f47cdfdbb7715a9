/** The configuration of a test: every default, and what is given. @module */
import * as v from "valibot";
import type { Config } from "../../src/config/mod.ts";
import { configSchema } from "../../src/config/schema.ts";

export function defaultConfig(given: v.InferInput<typeof configSchema> = {}): Config {
  return v.parse(configSchema, given);
}
