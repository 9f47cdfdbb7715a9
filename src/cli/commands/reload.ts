/** `clockblock reload`: the running agent reads its configuration file again. @module */
import { buildCommand, type Command } from "@stricli/core";
import type { ConfigReload } from "../../contract/config.ts";
import type { Context } from "../context.ts";
import { jsonFlag } from "../flags.ts";
import { runningAgent } from "../session.ts";

export const reloadCommand: Command<Context> = buildCommand<{ json: boolean }, [], Context>({
  docs: { brief: "Let the running agent read the configuration file again" },
  parameters: { flags: { json: jsonFlag } },
  async func({ json }) {
    const { stdout } = this.io;
    const agent = await runningAgent(this.config());
    if (!agent) {
      stdout.write(
        json
          ? "null\n"
          : "No agent is running. The configuration is right, the next start uses it\n",
      );
      return;
    }
    const result = await agent.post<ConfigReload>("/config/reload");
    if (json) {
      stdout.write(`${JSON.stringify(result)}\n`);
      return;
    }
    const { applied, needs_restart } = result;
    if (applied.length > 0) stdout.write(`In force now: ${applied.join(", ")}\n`);
    if (needs_restart.length > 0) stdout.write(`Needs a restart: ${needs_restart.join(", ")}\n`);
    if (applied.length + needs_restart.length === 0) stdout.write("Nothing has changed\n");
  },
});
