/** The configuration over the wire: what a changed file did. @module */
import * as v from "valibot";

const keys = v.array(v.string());
const needsRestart = v.pipe(
  keys,
  v.description("keys whose new value in the file waits for a restart"),
);

/** What reading the file again came to. */
export const configReload = v.object({
  applied: v.pipe(keys, v.description("keys that have changed and are in force")),
  needs_restart: needsRestart,
});
export type ConfigReload = Readonly<v.InferOutput<typeof configReload>>;

/** What `/status` reports. */
export const configStatus = v.object({
  needs_restart: needsRestart,
  error: v.pipe(
    v.nullable(v.string()),
    v.description("why the file is not used: the settings before it stay in force"),
  ),
});
export type ConfigStatus = Readonly<v.InferOutput<typeof configStatus>>;
