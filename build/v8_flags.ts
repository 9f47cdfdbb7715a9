/**
 * How the agent's JavaScript engine keeps house: its heap stays small for a few per cent of processor time. With
 * V8's own settings the garbage of a long drain grows to three times as much before it is collected.
 * @module
 */

/** For `deno run` and `deno compile` alike; `deno task start` in `deno.json` has the same. */
export const V8_FLAGS = "--v8-flags=--max-semi-space-size=2,--heap-growing-percent=50";
