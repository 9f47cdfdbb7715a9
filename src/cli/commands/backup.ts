/** `clockblock backup <file>`: a checked copy of the database, whether or not an agent runs on it. @module */
import { buildCommand, type Command } from "@stricli/core";
import { isAbsolute, join } from "node:path";
import { backupTo } from "../../store/mod.ts";
import type { Context } from "../context.ts";
import { argument } from "../flags.ts";
import { startCommandLogging } from "../logging.ts";
import { requireDatabase } from "../session.ts";
import { sizeText } from "../terminal.ts";

export const backupCommand: Command<Context> = buildCommand<
  NonNullable<unknown>,
  [string],
  Context
>({
  docs: { brief: "Copy the database to a file, while the agent runs or not" },
  parameters: {
    positional: { kind: "tuple", parameters: [argument("The file to make", "file")] },
  },
  async func(_flags, file) {
    const config = this.config();
    const { cwd, stdout, stderr } = this.io;
    await using _log = await startCommandLogging(config, { output: stderr });
    requireDatabase(config);
    const target = cwd === undefined || isAbsolute(file) ? file : join(cwd, file);
    await backupTo({ path: config.db_path }, target);
    stdout.write(`${target}, ${sizeText(Deno.statSync(target).size)}, checked\n`);
  },
});
