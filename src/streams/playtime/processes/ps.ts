/** The process list of Linux and macOS, by one call of `ps`. @module */
import { imageWords, type Matcher } from "./matchers.ts";
import { imageName, type Process, type ProcessLister } from "./process.ts";
import { type RunTool, runTool } from "./tool.ts";

/**
 * State, short name, two numbers that separate the name from the command (both may have spaces), command. The short name
 * is `comm` on Linux and `ucomm` on macOS, where `comm` is a path.
 */
const COLUMNS = {
  linux: ["s=", "comm=", "pid=", "ppid=", "args="],
  bsd: ["state=", "ucomm=", "pid=", "ppid=", "args="],
};
const LINE = /^\s*([A-Z]\S*)\s+(.*?)\s+(\d+)\s+\d+\s?(.*)$/;

/** Spaces in a path that are tried. */
const MAX_SPACES = 12;

/** Where the kernel cuts a short name, in bytes; macOS cuts one later. */
const SHORT_NAME_BYTES = 15;

/** Lists processes that the matchers may match, with their commands. */
export function ps(
  matchers: readonly Matcher[],
  { os = Deno.build.os, run = runTool }: { os?: typeof Deno.build.os; run?: RunTool } = {},
): ProcessLister {
  const columns = os === "linux" ? COLUMNS.linux : COLUMNS.bsd;
  const args = ["-A", "-ww", ...columns.flatMap((column) => ["-o", column])];
  const words = imageWords(matchers);
  return async ({ signal }) =>
    parsePs(new TextDecoder().decode(await run("ps", args, { signal })), words);
}

/**
 * The processes of such a list. Parses the first line, which shows whether it is such a list, and those with one of the
 * words.
 * @throws {SyntaxError} for what is not one
 */
export function parsePs(text: string, words: readonly string[] = [""]): Process[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length === 0) throw new SyntaxError("ps printed no processes, not even itself");
  return lines.flatMap((line, index) => {
    const lower = line.toLowerCase();
    if (index > 0 && !words.some((word) => lower.includes(word))) return [];
    const [, state, name, pid, command] = LINE.exec(line) ?? [];
    if (state === undefined || name === undefined || command === undefined) {
      throw new SyntaxError(`ps printed a line that is not a process: number ${index + 1}`);
    }
    // A zombie has ended.
    if (state.startsWith("Z")) return [];
    return imagesOf(name, command)
      .map((image) => ({ image: imageName(image), pid: Number(pid), command }));
  });
}

/**
 * The names of a process: its short name or, where that is cut or the process changed it, the base name of its program.
 * The path may have spaces, so its end is a guess:
 *
 *     Minecraft Launc  /opt/games/Minecraft Launcher Two --fast     → Minecraft Launcher, Minecraft Launcher Two
 */
function imagesOf(name: string, command: string): string[] {
  const beginning = cutName(name);
  const images: string[] = [];
  for (const path of programPaths(command)) {
    const base = baseName(path);
    if (base === name) return [name];
    if (beginning !== undefined && base.startsWith(beginning)) images.push(base);
  }
  if (images.length > 0) return images;
  // Threads of the kernel have no command and show their name in brackets.
  const base = command.startsWith("[") ? "" : baseName(command.split(" ")[0] ?? "");
  return base === "" ? [name] : [name, base];
}

/** A short name that may be cut, without a "?" for half a letter at its end. */
function cutName(name: string): string | undefined {
  const sure = name.replace(/[?\ufffd]+$/, "");
  const bytes = new TextEncoder().encode(sure).length;
  return bytes >= SHORT_NAME_BYTES - (sure === name ? 0 : 3) ? sure : undefined;
}

/** Possible paths of the program at the beginning of a command: up to the first space, up to the next, … */
function* programPaths(command: string): Generator<string> {
  let end = command.indexOf(" ");
  for (let spaces = 0; end >= 0 && spaces < MAX_SPACES; spaces++) {
    yield command.slice(0, end);
    if (command[end + 1] === "-") return;
    end = command.indexOf(" ", end + 1);
  }
  if (end < 0) yield command;
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}
