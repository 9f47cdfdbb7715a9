/** Every stream the agent has. A new one is a folder beside this file and a line in each list below. @module */
import type { Migration } from "../core/mod.ts";
import * as playtime from "./playtime/mod.ts";
import * as records from "./records/mod.ts";

export { playtime, records };

/** What the agent's store is opened with. */
export const migrations: readonly Migration[] = [
  ...playtime.migrations,
  ...records.migrations,
];
