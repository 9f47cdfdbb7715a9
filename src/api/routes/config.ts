/** The configuration while the agent runs. @module */
import { type ConfigReload, configReload, type ConfigStatus } from "../../contract/config.ts";
import { type Route, route } from "../../core/mod.ts";

/** What follows the configuration file. */
export interface ConfigSource {
  /** @throws {Problem} when the file is wrong */
  reload(): ConfigReload;
  status(): ConfigStatus;
}

export function configRoute(source: ConfigSource): Route {
  return route({
    method: "POST",
    path: "/config/reload",
    summary: "Read the configuration file again, as happens by itself when it changes",
    tag: "system",
    answer: configReload,
    problems: { 400: "The file is wrong; the settings before stay in force." },
    handle: () => source.reload(),
  });
}
