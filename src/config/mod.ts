/** The configuration's door. @module */
export { ConfigError } from "./config_error.ts";
export { type ConfigKey, configKeys } from "./keys.ts";
export { type ConfigSources, loadConfig } from "./load.ts";
export { nearest } from "./nearest.ts";
export { checkPermissions, forbiddenHost, giveUpUnused } from "./permissions.ts";
export type { Config } from "./schema.ts";
export { type ConfigFile, Settings } from "./settings.ts";
