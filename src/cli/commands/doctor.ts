/** `clockblock doctor`: checks everything the agent needs and prints how to correct what fails. @module */
import { buildCommand, type Command } from "@stricli/core";
import { runChecks } from "../doctor/checks.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit.ts";
import { jsonFlag } from "../flags.ts";
import { startCommandLogging } from "../logging.ts";
import { type Color, columns, painter } from "../terminal.ts";

const COLORS: Readonly<Record<"ok" | "warn" | "fail", Color>> = {
  ok: "green",
  warn: "yellow",
  fail: "red",
};

/** As wide as the widest state and name: lines are printed one by one. */
const BLANK = ["    ", "process list"];

export const doctorCommand: Command<Context> = buildCommand<{ json: boolean }, [], Context>({
  docs: { brief: "Check everything the agent needs, and print how to correct what fails" },
  parameters: { flags: { json: jsonFlag } },
  async func({ json }) {
    const config = this.config();
    const { stdout, stderr } = this.io;
    await using _log = await startCommandLogging({ ...config, log_level: "error" }, {
      output: stderr,
    });
    const paint = painter(stdout);
    let failed = false;
    for await (const { name, state, detail } of runChecks(config)) {
      failed ||= state === "fail";
      const line = columns([[paint(COLORS[state], state), name, detail], [...BLANK, ""]]);
      stdout.write(
        json
          ? `${JSON.stringify({ name, state, detail })}\n`
          : line.slice(0, line.indexOf("\n") + 1),
      );
    }
    if (failed) this.process.exitCode = EXIT.failed;
  },
});
