/** `clockblock backup <file>`: a checked copy of the database, whether or not an agent runs on it. @module */
import { buildCommand, type Command } from "@stricli/core";
import { isAbsolute, join } from "node:path";
import { backupTo } from "../../store/mod.ts";
import type { Context } from "../context.ts";
import { startCommandLogging } from "../logging.ts";
import { requireDatabase } from "../session.ts";
import { bytes } from "../terminal.ts";

export const backup: Command<Context> = buildCommand<Record<never, never>, [string], Context>({
  docs: { brief: "Copy the database to a file, while the agent runs or not" },
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{ parse: String, brief: "The file to make", placeholder: "file" }],
    },
  },
  async func(_flags, file) {
    const config = this.config();
    const { cwd, stdout, stderr } = this.io;
    await using _log = await startCommandLogging(config, { output: stderr });
    requireDatabase(config);
    const target = cwd === undefined || isAbsolute(file) ? file : join(cwd, file);
    await backupTo({ path: config.db_path }, target);
    stdout.write(`${target}, ${bytes(Deno.statSync(target).size)}, checked\n`);
  },
});
