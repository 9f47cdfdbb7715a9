/** `clockblock processes`: running programs by name, to find that of a game. Nothing is stored or sent. @module */
import { buildCommand, type Command } from "@stricli/core";
import { runningProcesses } from "../../agent.ts";
import type { Context } from "../context.ts";
import { jsonFlag } from "../flags.ts";
import { columns, painter } from "../terminal.ts";

/** Width of the table where no terminal has one: commands can have thousands of characters. */
const SHOWN_COLUMNS = 100;

export const processesCommand: Command<Context> = buildCommand<{ json: boolean }, [], Context>({
  docs: { brief: "List what runs now, by the names that process_name takes" },
  parameters: { flags: { json: jsonFlag } },
  async func({ json }) {
    const { process_name } = this.config();
    const { stdout } = this.io;
    const running = await runningProcesses(process_name);
    if (json) {
      for (const { windowTitle: window_title, ...rest } of running) {
        stdout.write(`${JSON.stringify({ ...rest, window_title })}\n`);
      }
      return;
    }
    const paint = painter(stdout);
    const width = stdout.terminal ? stdout.width() : SHOWN_COLUMNS;
    const name = Math.max(...running.map(({ image }) => image.length), 0);
    const room = Math.max(width - name - "counts".length - 4, 10);
    stdout.write(columns(running.map(({ image, windowTitle, command, counts, nearly }) => [
      counts ? paint("green", "counts") : nearly ? paint("yellow", "nearly") : "      ",
      image,
      paint("dim", cut(windowTitle ?? command ?? "", room)),
    ])));
    const seen = running.filter(({ counts }) => counts).length;
    stdout.write(
      `\n${running.length} programs run, ${seen} of them ${
        seen === 1 ? "counts" : "count"
      } as the ` +
        `game. To count another: "process_name": "its name" in config.json\n`,
    );
    if (running.some(({ nearly }) => nearly)) {
      stdout.write('"nearly": by its name, but its window or command is not the game\'s\n');
    }
  },
});

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
}
