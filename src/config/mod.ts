/** The configuration's door. @module */
export { ConfigError } from "./config_error.ts";
export { configBlocks, type ConfigKey, configKey, configKeys } from "./keys.ts";
export { type ConfigSources, loadConfig } from "./load.ts";
export { nearest } from "./nearest.ts";
export {
  checkPermissions,
  type ForbiddenHost,
  forbiddenHost,
  giveUpUnused,
  type PermissionOptions,
} from "./permissions.ts";
export type { Config, ProcessMatcher } from "./schema.ts";
export { type ConfigFile, Settings } from "./settings.ts";
