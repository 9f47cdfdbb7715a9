/**
 * Which process is the game. Names alone do not tell: Java Edition is a Java program among others, and its
 * launcher is not the game.
 * @module
 */
import type { Process } from "./process.ts";

/** What a process must be like; case does not matter, `*` stands for anything, `.exe` may be left out. */
export interface Matcher {
  image: string;
  /** Seen on Windows only. */
  window_title?: string;
  /** Seen on Linux and macOS only. */
  command?: string;
  /** Titles and commands that are something else after all. */
  except?: readonly string[];
}

/** As the configuration has it: a name, a matcher, or a list of these. */
export type ProcessName = string | Matcher | readonly (string | Matcher)[];

const GAME_WINDOW = {
  window_title: "Minecraft*",
  except: ["Minecraft Launcher*", "Minecraft server"],
};

/**
 * The game comes with its class path (`… -cp …/com/mojang/minecraft/… net.minecraft.client.main.Main`), whoever
 * launches it. What Java runs by `-jar` or from an argument file is a server, a launcher or a tool.
 */
const GAME_COMMAND = {
  command: "*minecraft*",
  except: ["* -jar *", "*_args.txt*", "*net.minecraft.server.*", "*org.gradle.*"],
};

/** Minecraft: Bedrock, Java Edition, and whatever calls itself `Minecraft.exe`. */
export const MINECRAFT: readonly Matcher[] = [
  { image: "Minecraft.Windows.exe" },
  { image: "Minecraft.exe" },
  { image: "javaw.exe", ...GAME_WINDOW },
  { image: "java.exe", ...GAME_WINDOW },
  { image: "java", ...GAME_COMMAND },
  { image: "javaw", ...GAME_COMMAND },
];

/** The matchers that a configuration means; without one, Minecraft's. */
export function toMatchers(processName: ProcessName | null | undefined): readonly Matcher[] {
  if (processName === null || processName === undefined) return MINECRAFT;
  const names = Array.isArray(processName) ? processName : [processName];
  return names.map((name: string | Matcher) => typeof name === "string" ? { image: name } : name);
}

/** Finds the game among processes: the first matcher that fits one decides. */
export function gameFinder(
  matchers: readonly Matcher[],
): (processes: readonly Process[]) => Process | undefined {
  const tests = matchers.map(processTest);
  return (processes) => {
    for (const fits of tests) {
      const game = processes.find(fits);
      if (game) return game;
    }
    return undefined;
  };
}

/** Whether a process has the image that a matcher asks for, whatever else it asks. */
export function imageTest(image: string): (process: Process) => boolean {
  const fits = glob(withoutExe(image));
  return (process) => fits(withoutExe(process.image));
}

/**
 * Words in lower case of which a text has at least one if it has in it the name of an image that a matcher
 * asks for: the longest part of each that is ASCII (how other letters become small depends on what follows).
 */
export function imageWords(matchers: readonly Matcher[]): string[] {
  return matchers.map(({ image }) => {
    const parts = withoutExe(image).toLowerCase().split(/[^\x20-\x7e]|\*/);
    return parts.reduce((longest, part) => part.length > longest.length ? part : longest);
  });
}

/** Whether every matcher asks for what this system's process list does not tell: nothing could ever fit. */
export function neverSeen(matchers: readonly Matcher[], os: typeof Deno.build.os): boolean {
  const hidden = os === "windows" ? "command" : "window_title";
  return matchers.every((matcher) => matcher[hidden] !== undefined);
}

function processTest(matcher: Matcher): (process: Process) => boolean {
  const { image, window_title, command, except = [] } = matcher;
  const hasImage = imageTest(image);
  const hasTitle = window_title === undefined ? undefined : glob(window_title);
  const hasCommand = command === undefined ? undefined : glob(command);
  const excepted = except.map(glob);
  return (process) => {
    if (!hasImage(process)) return false;
    const { windowTitle, command } = process;
    if (hasTitle && (windowTitle === undefined || !hasTitle(windowTitle))) return false;
    if (hasCommand && (command === undefined || !hasCommand(command))) return false;
    return !excepted.some((is) =>
      (windowTitle !== undefined && is(windowTitle)) || (command !== undefined && is(command))
    );
  };
}

/** A test for a pattern with `*`. Linear in the text, whose class paths can be long. */
function glob(pattern: string): (text: string) => boolean {
  const [first = "", ...rest] = pattern.toLowerCase().split("*");
  const last = rest.pop();
  return (text) => {
    const lower = text.toLowerCase();
    if (last === undefined) return lower === first;
    if (!lower.startsWith(first)) return false;
    let from = first.length;
    for (const part of rest) {
      const at = lower.indexOf(part, from);
      if (at < 0) return false;
      from = at + part.length;
    }
    return lower.length - last.length >= from && lower.endsWith(last);
  };
}

function withoutExe(image: string): string {
  return image.replace(/\.exe$/i, "");
}
